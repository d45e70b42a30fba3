import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import type { Secret } from "#base/secret.ts";
import { blocked } from "../../../test/harness/blocked.ts";
import { type OneControl, type TestNode, testReplicas } from "../../../test/harness/control.ts";
import { lackingPostgres } from "../../../test/harness/postgres.ts";
import { begin } from "../../../test/harness/transaction.ts";
import { createLeaveErrand } from "../link/errands/draining.ts";
import { settleMs } from "./draining.ts";

const skip = lackingPostgres;

test("a node stays for a console that was given to it by one who had begun before it drained", {
  skip,
}, async () => {
  await using world = await createWorld();
  const { control, node, url } = world;
  const session = await open(control);

  await using issuing = await begin(url);
  await issuing.say("create temporary table issued on commit drop as table sessions");
  await control.services.nodes.drain(control.admin, node.id, { outcome: "restart", deadlineMs: 0 });
  control.clock.advance(settleMs(control.store));
  assert.deepEqual(await toldToLeave(world), []);
  await issuing.say("update issued set id = id || '-late', place = place + 1");
  await issuing.say("insert into sessions select * from issued");
  assert.deepEqual(await toldToLeave(world), []);
  await issuing.say("commit");

  assert.deepEqual(await toldToLeave(world), []);
  assert.equal((await control.services.sessions.get(control.admin, `${session}-late`)).state, "pending");
  await control.sweepDraining();
  assert.deepEqual(await toldToLeave(world), [{ cutsPassing: true, how: "restart" }]);
});

for (const [what, change] of [
  ["takes sessions again", "draining_at = null, drain_outcome = null, drain_deadline = null"],
  ["was given more time", "drain_deadline = drain_deadline + 1000000"],
  ["leaves by itself", "drain_outcome = 'leave'"],
] as const)
  test(`a node that ${what} at the same moment as its time is over keeps its consoles`, {
    skip,
  }, async () => {
    await using world = await createWorld();
    const { control, node, url } = world;
    const session = await open(control);
    await control.services.nodes.drain(control.admin, node.id, { outcome: "stop", deadlineMs: 60_000 });
    control.clock.advance(60_000);

    await using changing = await begin(url);
    await changing.say(`select pg_advisory_xact_lock(hashtextextended('porthole node ${node.id}', 0))`);
    await changing.say(`update nodes set ${change} where id = '${node.id}'`);
    const sweeping = control.sweepDraining();
    await Promise.race([sweeping, blocked(url, 1)]);
    await changing.say("commit");
    await sweeping;

    assert.equal((await control.services.sessions.get(control.admin, session)).state, "pending");
  });

test("a node that is destroyed and was given more time at the same moment is not forgotten with its consoles", {
  skip,
}, async () => {
  await using world = await createWorld();
  const { control, node, url } = world;
  const sessionId = await open(control);
  const { id, incarnation } = node;
  await control.link.redeem(id, { incarnation, sessionId, attachment: 1, viewerAddress: "::1" });
  await control.services.nodes.drain(control.admin, id, { outcome: "destroy", deadlineMs: 0 });
  control.clock.advance(60_000);

  await using changing = await begin(url);
  await changing.say(`select pg_advisory_xact_lock(hashtextextended('porthole node ${id}', 0))`);
  await changing.say(`update nodes set drain_deadline = drain_deadline + 1000000 where id = '${id}'`);
  const sweeping = control.sweepDraining();
  await Promise.race([sweeping, blocked(url, 1)]);
  await changing.say("commit");
  await sweeping;

  assert.equal((await control.services.nodes.get(control.admin, id)).draining?.sessions, 1);
});

for (const [what, change, ask] of [
  ["drained", "revoked_at = 1, incarnation = null", "drain"],
  ["started", "revoked_at = 1, incarnation = null", "start"],
  ["started", "draining_at = 1, drain_outcome = 'leave'", "start"],
  ["restarted", "incarnation = null", "restart"],
] as const)
  test(`a node is not said to be ${what} where that became impossible meanwhile: ${change}`, {
    skip,
  }, async () => {
    await using world = await createWorld();
    const { control, node, url } = world;
    const { nodes } = control.services;

    await using changing = await begin(url);
    await changing.say(`select pg_advisory_xact_lock(hashtextextended('porthole node ${node.id}', 0))`);
    const outcome = ask === "drain" ? "stay" : "restart";
    const asked =
      ask === "start"
        ? nodes.start(control.admin, node.id)
        : nodes.drain(control.admin, node.id, { outcome });
    const isRefused = assert.rejects(asked, { code: "conflict" });
    await blocked(url, 1);
    await changing.say(`update nodes set ${change} where id = '${node.id}'`);
    await changing.say("commit");

    await isRefused;
  });

interface World extends AsyncDisposable {
  readonly control: OneControl;
  readonly node: TestNode;
  readonly url: Secret;
}

async function createWorld(): Promise<World> {
  const { replicas, url, ...rest } = await testReplicas(1);
  const [control] = replicas;
  assert.ok(control !== undefined);
  return { control, node: await control.node(), url, [Symbol.asyncDispose]: rest[Symbol.asyncDispose] };
}

/** A console that is given to the only node. */
async function open({ services, admin, machine }: OneControl): Promise<string> {
  const { id: machineId } = await machine();
  return (await services.consoles.open(admin, { machineId, api: "native" })).sessionId;
}

/** What the node is told, which leaves then. */
async function toldToLeave({ control, node }: World) {
  const commands: object[] = [];
  const errand = createLeaveErrand({ store: control.store, log: pino({ level: "silent" }) });
  await errand(node.id, async (_, body) => {
    const { incarnation, ...command } = body as { readonly incarnation: string };
    assert.equal(incarnation, node.incarnation);
    commands.push(command);
    return { leaves: true };
  });
  return commands;
}
