import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node as NodeRow } from "#wire/api.ts";
import type { AuditRow } from "#wire/audit.ts";
import { eventually } from "../harness/eventually.ts";
import { type Fleet, type OpenConsole, startFleet } from "../harness/fleet.ts";
import type { Node } from "../harness/porthole.ts";
import { lackingPostgres } from "../harness/postgres.ts";
import { createDatabase } from "../harness/shared-postgres.ts";

const skip = lackingPostgres;
/** As many as two cores open in seconds, beside whatever else runs on them. */
const MANY = 200;
const AT_ONCE = 20;

test("a node under 200 consoles drains and restarts: nobody is cut, and new ones go elsewhere", {
  skip,
}, async () => {
  await using fleet = await startFleet(2, await createDatabase());
  const [first, second] = [await fleet.node(), await fleet.node()];
  const consoles = await openMany(fleet, MANY);
  const pid = first.process.pid;

  const drained = await say(fleet, first, "restart", { warn: true });
  assert.equal(drained.state, "draining");
  assert.ok((drained.draining?.sessions ?? 0) >= MANY);

  for (const { viewer } of consoles)
    await eventually(() => assert.equal(noticeOf(viewer), "node_restarting"));
  const elsewhere = await openElsewhere(fleet, second);
  for (const caller of fleet.machine.callers) caller.socket.write("still here");
  for (const { viewer } of consoles)
    await eventually(() => assert.equal(viewer.bytes.toString(), "still here"));
  assert.equal(await starts(fleet, first), 1);

  for (const { viewer } of consoles) viewer.webSocket.close();
  await eventually(async () => assert.equal(await starts(fleet, first), 2));
  await eventually(async () => assert.equal((await row(fleet, first)).state, "running"));
  const endings = consoles.map(({ viewer }) => viewer.texts.filter(({ type }) => type === "ending"));
  assert.deepEqual(endings.flat(), [], "nobody was told that it is over");
  assert.doesNotThrow(() => process.kill(pid, 0), "it is the same process to whoever runs it");
  assert.equal(elsewhere.viewer.webSocket.readyState, 1);
});

test("now is now, asked at any replica: all are told why, and open again at another node", {
  skip,
}, async () => {
  await using fleet = await startFleet(2, await createDatabase());
  const first = await fleet.node({ links: [fleet.replicas[0]?.link ?? ""] });
  const second = await fleet.node();
  const consoles = await openMany(fleet, 40);

  await say(fleet, first, "restart", { now: true }, 1);

  for (const { viewer } of consoles) {
    await viewer.untilClosed();
    const last = viewer.texts.at(-1);
    assert.ok(last?.type === "ending" && last.ending.code === "node_restarting", JSON.stringify(last));
    assert.equal(last.ending.kind, "closed");
  }
  const [one] = consoles;
  const attached = one?.viewer.texts.find(({ type }) => type === "attached") as { readonly reopen: string };
  const url = await eventually(async () => {
    // By the entrance that its viewer was told of.
    const response = await fetch(`${second.node}/p/x/reopen`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ credential: attached.reopen }),
    });
    assert.equal(response.status, 200);
    return ((await response.json()) as { readonly url: string }).url;
  });
  assert.ok([first.node, second.node].includes(new URL(url).origin));
  await eventually(async () => assert.equal(await starts(fleet, first), 2));
  for (const { sessionId } of consoles) await fleet.untilState(sessionId, "ended");
});

test("a deadline is kept though the replica that was asked is killed", { skip }, async () => {
  await using fleet = await startFleet(2, await createDatabase());
  const first = await fleet.node();
  const { viewer } = await fleet.open();

  await say(fleet, first, "stop", { deadlineSeconds: 1 }, 0);
  await fleet.replicas[0]?.process.stop("SIGKILL");

  await viewer.untilClosed();
  const last = viewer.texts.at(-1);
  assert.ok(last?.type === "ending" && last.ending.code === "node_stopping", JSON.stringify(last));
  await eventually(async () => assert.equal((await row(fleet, first, 1)).state, "stopped"));
  assert.equal((await row(fleet, first, 1)).agentState, "up");
  assert.equal((await say(fleet, first, "start", undefined, 1)).state, "running");
});

test("a node that is destroyed ends by itself in peace, and is forgotten", { skip }, async () => {
  await using fleet = await startFleet(1, await createDatabase());
  const first = await fleet.node();

  await say(fleet, first, "destroy", {});

  assert.equal(await first.process.exited, 0);
  await eventually(async () => {
    const { items } = await fleet.api().call<{ items: NodeRow[] }>("GET", "nodes");
    assert.deepEqual(items, []);
  });
});

test("SIGTERM waits for who is there, and no longer than it is patient; a second one ends at once", {
  skip,
}, async () => {
  await using fleet = await startFleet(1, await createDatabase());
  const args = ["--drain-timeout", "3600"];
  const first = await fleet.node({ args });
  const patient = await fleet.open();
  process.kill(first.process.pid, "SIGTERM");
  await eventually(async () => assert.equal((await row(fleet, first)).state, "stopping"));

  const second = await fleet.node({ args });
  const impatient = await openElsewhere(fleet, second);
  patient.viewer.webSocket.close();
  assert.equal(await first.process.exited, 0);
  assert.equal(noticeOf(patient.viewer), "node_stopping");
  assert.equal((await row(fleet, first)).state, "stopped");

  process.kill(second.process.pid, "SIGTERM");
  await eventually(() => assert.equal(noticeOf(impatient.viewer), "node_stopping"));
  assert.equal(impatient.viewer.webSocket.readyState, 1);
  const again = setInterval(() => process.kill(second.process.pid, "SIGTERM"), 200);
  const closed = await impatient.viewer.untilClosed().finally(() => clearInterval(again));
  assert.equal(closed.reason, "node_stopping", second.process.stderr.text);
  assert.equal(await second.process.exited, 0);
});

test("SIGTERM on workers waits for who is in any of them, whichever they came through", {
  skip,
}, async () => {
  await using fleet = await startFleet(1, await createDatabase());
  const node = await fleet.node({ args: ["--drain-timeout", "3600", "--workers", "2"] });
  const consoles = await openMany(fleet, AT_ONCE);

  process.kill(node.process.pid, "SIGTERM");

  for (const { viewer } of consoles) await eventually(() => assert.equal(noticeOf(viewer), "node_stopping"));
  for (const { viewer } of consoles) assert.equal(viewer.closed, undefined);
  for (const { viewer } of consoles) viewer.webSocket.close();
  assert.equal(await node.process.exited, 0, node.process.stderr.text);
});

async function openMany(fleet: Fleet, count: number): Promise<readonly OpenConsole[]> {
  const consoles: OpenConsole[] = [];
  while (consoles.length < count)
    consoles.push(...(await Promise.all(Array.from({ length: AT_ONCE }, async () => await fleet.open()))));
  return consoles;
}

/** Until what replicas have read of the fleet is new enough. */
async function openElsewhere(fleet: Fleet, { id, ids = [id] }: Node): Promise<OpenConsole> {
  return await eventually(async () => {
    const opened = await fleet.open();
    const { nodeId } = await fleet.api().session(opened.sessionId);
    assert.ok(ids.includes(nodeId));
    return opened;
  });
}

async function say(fleet: Fleet, { id }: Node, verb: string, body?: object, replica = 0): Promise<NodeRow> {
  return await fleet.api(replica).call<NodeRow>("POST", `nodes/${id}/${verb}`, body);
}

async function row(fleet: Fleet, { id }: Node, replica = 0): Promise<NodeRow> {
  return await fleet.api(replica).call<NodeRow>("GET", `nodes/${id}`);
}

/** How often the node has registered, as a new start each time. */
async function starts(fleet: Fleet, { id }: Node): Promise<number> {
  const { items } = await fleet
    .api()
    .call<{ items: AuditRow[] }>("GET", `audit?object=${id}&action=node.register`);
  return items.length;
}

function noticeOf({ texts }: OpenConsole["viewer"]): string | undefined {
  return texts.flatMap((text) => (text.type === "notice" ? [text.code] : [])).at(-1);
}
