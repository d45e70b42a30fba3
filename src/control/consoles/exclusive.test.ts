import assert from "node:assert/strict";
import { test } from "node:test";
import { blocked } from "../../../test/harness/blocked.ts";
import { type OneControl, type TestNode, testReplicas } from "../../../test/harness/control.ts";
import { lackingPostgres } from "../../../test/harness/postgres.ts";
import { createSeats } from "../fleet/seats.ts";
import type { IssuedConsole } from "../services.ts";
import { createTicketIssue } from "./ticket-issue.ts";

const skip = lackingPostgres;

test("replicas that give out a console that bears one connection at once give it to one node", {
  skip,
}, async () => {
  await using world = await createWorld();
  const { one, other, machineId, url } = world;
  const [first, second] = [await one.node(), await one.node()];

  // Both have found, before the other has written, that nobody holds it.
  const taking = await takeHalf(one, machineId, first);
  const following = take(other, machineId, second);
  await Promise.race([following, blocked(url, 1)]);
  taking.goOn();

  const nodes = [];
  for (const { sessionId } of await Promise.all([taking.done, following]))
    nodes.push((await one.services.sessions.get(one.admin, sessionId)).nodeId);
  assert.deepEqual(nodes, [first.id, first.id]);
});

test("the session that holds such a console does not end while another is given out because of it", {
  skip,
}, async () => {
  await using world = await createWorld();
  const { one, other, machineId, url } = world;
  const node = await one.node();
  const { sessionId } = await take(one, machineId, node);

  const taking = await takeHalf(one, machineId, node);
  const ending = other.services.sessions.end(other.admin, sessionId);
  const first = await Promise.race([ending.then(() => "it ended"), blocked(url, 1).then(() => "it waits")]);
  taking.goOn();

  assert.equal(first, "it waits");
  await Promise.all([taking.done, ending]);
});

/** Two replicas, and a machine. */
async function createWorld() {
  const { replicas, url, ...opened } = await testReplicas(2);
  const [one, other] = replicas;
  assert.ok(one !== undefined && other !== undefined);
  return { ...opened, url, one, other, machineId: (await one.machine()).id };
}

/** Gives it to the node, up to where the session is written, and no further until it is to. */
async function takeHalf(control: OneControl, machineId: string, node: TestNode) {
  const [isTaking, mayGoOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const done = take(control, machineId, node, async () => {
    isTaking.resolve();
    await mayGoOn.promise;
  });
  await Promise.race([isTaking.promise, done]);
  return { done, goOn: mayGoOn.resolve };
}

/** Gives it to the node, unless that is not to be; `spend` runs in the transaction. */
async function take(
  control: OneControl,
  machineId: string,
  node: TestNode,
  spend: () => Promise<void> = async () => {},
): Promise<IssuedConsole> {
  const seats = createSeats(control);
  const issue = createTicketIssue({
    ...control,
    async chooseSeat(guest, lost) {
      // The view of one who knows of this node alone, and then a look at all.
      const seat = await seats({ ...guest, isExclusive: lost !== 0 }, lost);
      return lost === 0
        ? { ...seat, node: { ...seat.node, id: node.id, incarnation: node.incarnation } }
        : seat;
    },
    nodeKeys: {
      of: () => assert.fail("no node asks for its keys"),
      opening: () => assert.fail("nobody asks where a ticket leads"),
      sealing: async () => node.ticketKey,
    },
  });
  return await issue({
    account: { id: control.admin.accountId, name: control.admin.name },
    machine: {
      id: machineId,
      name: "web",
      project_id: "project",
      pool: "default",
      hypervisor_id: null,
    },
    protocol: "rfb",
    isExclusive: true,
    api: "native",
    purpose: "console",
    viewOnly: false,
    creatorAddress: "192.0.2.1",
    spend,
  });
}
