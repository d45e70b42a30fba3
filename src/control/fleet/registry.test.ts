import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { PUBLIC_ORIGIN, type TestControl, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";

const ORIGINS = { pageOrigin: "http://n.example", webSocketOrigin: "http://n.example:8080" } as const;

for (const t of onBoth("a node that registers gets its key, the time, and what it is to obey", async () => {
  await using control = await testControl();
  const node = await control.node();
  const { settings } = control.services;
  await settings.set(control.admin, "upstream.allow", "192.0.2.0/24");
  await settings.set(control.admin, "console.allowed.origins", "https://portal.example");
  await settings.set(control.admin, "consoleproxy.loadscan.interval", "2000");

  const answer = await control.link.registry.register(node.id, { ...start(node.incarnation), ...ORIGINS });

  assert.equal(Buffer.from(answer.ticketKey.key, "base64url").length, 32);
  assert.deepEqual(answer, {
    nodeId: node.id,
    ticketKey: {
      kid: node.ticketKey.kid,
      key: Buffer.from(node.ticketKey.key).toString("base64url"),
    },
    ticketKeys: [{ generation: 1, ...answer.ticketKey }],
    now: control.clock.now(),
    settings: {
      heartbeatIntervalMs: 2000,
      upstreamAllow: "192.0.2.0/24",
      allowedOrigins: [PUBLIC_ORIGIN, "https://portal.example"],
      frameAncestors: ["https://portal.example"],
      controlPorts: [],
      entrances: [],
      acceptOffline: false,
      sessionTimeoutMs: 300_000,
      idleTimeoutMs: 0,
      peers: [],
    },
  });
}))
  test(...t);

for (const t of onBoth(
  "a node learns of the others that are up, and of changed settings, with its next report",
  async () => {
    await using control = await testControl();
    const one = await control.node({ pageOrigin: "http://one.example" });
    const two = await control.node({ pageOrigin: "http://two.example" });
    const beat = async ({ id, incarnation }: typeof one) =>
      (await control.link.registry.heartbeat(id, { incarnation, sessions: 0 })).settings;

    assert.deepEqual((await beat(one)).entrances, ["http://two.example"]);
    await control.services.settings.set(control.admin, "upstream.allow", "::/0");
    assert.equal((await beat(two)).upstreamAllow, "::/0");
    control.clock.advance(12_500);
    assert.deepEqual(
      (await beat(two)).entrances,
      [],
      "the other one was silent for two and a half intervals",
    );
  },
))
  test(...t);

for (const t of onBoth(
  "a node that is seen is up, one that was silent for two and a half intervals or left is down",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const state = async () => (await control.services.nodes.list(control.admin))[0]?.agentState;

    control.clock.advance(12_499);
    assert.equal(await state(), "up");
    control.clock.advance(1);
    assert.equal(await state(), "down");
    await control.link.registry.heartbeat(node.id, { incarnation: node.incarnation, sessions: 7 });
    assert.deepEqual(await control.services.nodes.list(control.admin), [
      {
        id: node.id,
        pool: "default",
        state: "running",
        agentState: "up",
        pageOrigin: "http://node.example.com:8080",
        webSocketOrigin: "http://node.example.com:8080",
        sessions: 7,
        version: "1.2.3",
        seenAt: new Date(control.clock.now()).toISOString(),
      },
    ]);
    await control.link.registry.deregister(node.id, { incarnation: node.incarnation });
    assert.equal(await state(), "disconnected");
  },
))
  test(...t);

for (const t of onBoth(
  "a new start of a node ends what the old one carried, and nothing of other nodes",
  async () => {
    await using control = await testControl();
    const node = await control.node({ maximumSessions: 2 });
    const other = await control.node();
    const [pending, active, elsewhere] = [await open(control), await open(control), await open(control)];
    await redeem(control, node, active);

    const incarnation = randomUUID();
    await control.link.registry.register(node.id, { ...start(incarnation), ...ORIGINS });

    for (const id of [pending, active]) {
      const session = await control.services.sessions.get(control.admin, id);
      assert.deepEqual(session.ending, { kind: "failed", code: "node_lost" });
    }
    await redeem(control, other, elsewhere);
    await assert.rejects(redeem(control, { id: node.id, incarnation }, pending), { code: "ticket_foreign" });
    await assert.rejects(redeem(control, node, pending), { code: "node_lost" });
  },
))
  test(...t);

for (const t of onBoth("the same start may register again and keeps what it carries", async () => {
  await using control = await testControl();
  const node = await control.node();
  const id = await open(control);

  await control.link.registry.register(node.id, { ...start(node.incarnation), ...ORIGINS });

  await redeem(control, node, id);
}))
  test(...t);

for (const t of onBoth("a start that was superseded is told so, and does not come back", async () => {
  await using control = await testControl();
  const node = await control.node();
  const newer = randomUUID();
  await control.link.registry.register(node.id, { ...start(newer), ...ORIGINS });
  const id = await open(control);

  const beat = control.link.registry.heartbeat(node.id, { incarnation: node.incarnation, sessions: 1 });
  await assert.rejects(beat, { code: "node_superseded" });
  const again = control.link.registry.register(node.id, { ...start(node.incarnation), ...ORIGINS });
  await assert.rejects(again, { code: "node_superseded" });
  await control.link.registry.deregister(node.id, { incarnation: node.incarnation });

  await redeem(control, { id: node.id, incarnation: newer }, id);
}))
  test(...t);

for (const t of onBoth("a node that leaves ends what is left, once", async () => {
  await using control = await testControl();
  const node = await control.node();
  const id = await open(control);

  await control.link.registry.deregister(node.id, { incarnation: node.incarnation });
  await control.link.registry.deregister(node.id, { incarnation: node.incarnation });

  const session = await control.services.sessions.get(control.admin, id);
  assert.deepEqual(session.ending, { kind: "failed", code: "node_stopping" });
}))
  test(...t);

for (const t of onBoth("an origin with a path or of another scheme is refused", async () => {
  await using control = await testControl();
  const node = await control.node();

  for (const pageOrigin of [
    "http://n.example/path",
    "ftp://n.example",
    "n.example",
    "http://u@n.example",
    "",
  ]) {
    const register = control.link.registry.register(node.id, {
      ...start(randomUUID()),
      ...ORIGINS,
      pageOrigin,
    });
    await assert.rejects(register, { code: "request_invalid", detail: /^pageOrigin: / });
  }
}))
  test(...t);

function start(incarnation: string) {
  return { incarnation, version: "1.2.3" };
}

async function open(control: TestControl): Promise<string> {
  const { id: machineId } = await control.machine();
  return (await control.services.consoles.open(control.admin, { machineId, api: "native" })).sessionId;
}

async function redeem(
  control: TestControl,
  { id, incarnation }: { readonly id: string; readonly incarnation: string },
  sessionId: string,
): Promise<void> {
  await control.link.redeem(id, { incarnation, sessionId, attachment: 1, viewerAddress: "::1" });
}
