import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import type { Secret } from "#base/secret.ts";
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
