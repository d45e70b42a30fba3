import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { pino } from "pino";
import type { TestNode } from "../../../test/harness/control.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { nodeClient, type OpenLink, openLink } from "../../../test/harness/open-link.ts";
import type { Subscriber } from "../cluster/cluster.ts";
import { Commands } from "./commands.ts";

test("a node that is there is told at once what to end, and one that comes back when it says something", async () => {
  await using link = await openLink();
  const node = await link.control.node();
  const [one, two] = [await active(link, node), await active(link, node)];
  const { sessions } = link.control.services;
  const client = await nodeClient(link, node);

  await sessions.end(link.control.admin, one);
  const [first] = await client.commands(1);
  assert.equal(first?.call, "end-sessions");
  assert.deepEqual(first?.body, {
    incarnation: node.incarnation,
    sessions: [{ sessionId: one, attachment: 1, code: "session_ended", detail: "by admin" }],
  });
  await client[Symbol.asyncDispose]();
  await sessions.end(link.control.admin, two);

  await using again = await nodeClient(link, node);
  await again.ask("heartbeat", { incarnation: node.incarnation, sessions: 2 });
  const [second] = await again.commands(1);
  assert.deepEqual(
    second?.body.sessions.map(({ sessionId }: { sessionId: string }) => sessionId),
    [one, two],
  );
});

test("another start of the node is told nothing of the sessions of the one before", async () => {
  await using link = await openLink();
  const node = await link.control.node();
  await link.control.services.sessions.end(link.control.admin, await active(link, node));
  await using client = await nodeClient(link, node);
  const incarnation = "another-start-of-the-node";
  const origin = "http://n.example";

  await client.ask("register", {
    incarnation,
    version: "1",
    pageOrigin: origin,
    webSocketOrigin: origin,
  });
  await client.ask("heartbeat", { incarnation, sessions: 0 });

  assert.equal(client.commanded, 0);
});

test("a node that answers a command with nonsense, or not at all, costs itself nothing but the command", async () => {
  await using link = await openLink();
  const node = await link.control.node();
  const id = await active(link, node);
  await using client = await nodeClient(link, node);
  await link.control.services.sessions.end(link.control.admin, id);
  const [first] = await client.commands(1);

  client.socket.send(JSON.stringify([{ id: first?.id, body: { unknown: 7 } }]));
  client.socket.send(JSON.stringify([{ id: 4711, body: {} }]));
  await client.ask("heartbeat", { incarnation: node.incarnation, sessions: 1 });

  const [, second] = await client.commands(2);
  client.socket.send(JSON.stringify([{ id: second?.id, error: { code: "node_superseded" } }]));
  await client.ask("heartbeat", { incarnation: node.incarnation, sessions: 1 });
  await client.commands(3);
});

test("a session that its node knows nothing of is over", async () => {
  await using link = await openLink();
  const node = await link.control.node();
  const id = await active(link, node);
  link.control.clock.advance(60_000);
  await using client = await nodeClient(link, node);
  await link.control.services.sessions.end(link.control.admin, id);
  const [command] = await client.commands(1);

  client.socket.send(JSON.stringify([{ id: command?.id, body: { unknown: [id, "of nobody"] } }]));

  await eventually(async () => {
    const { state } = await link.control.services.sessions.get(link.control.admin, id);
    assert.equal(state, "ended");
  });
});

test("a rotation of ticket keys reaches a node at once, which seals with the new one when the node has it", async () => {
  await using link = await openLink();
  const { control } = link;
  const node = await control.node();
  await using client = await nodeClient(link, node);
  const generation = async () =>
    (await control.store.db.selectFrom("nodes").select("ticket_generation").executeTakeFirstOrThrow())
      .ticket_generation;

  await control.services.ticketKeys.rotate(control.admin);
  const [command] = await client.commands(1);
  assert.equal(await generation(), 1);
  client.socket.send(JSON.stringify([{ id: command?.id, body: { ticketGeneration: 2 } }]));

  assert.equal(command?.call, "keys");
  assert.equal(command?.body.incarnation, node.incarnation);
  assert.deepEqual(
    command?.body.ticketKeys.map((key: { generation: number }) => key.generation),
    [2, 1],
  );
  await eventually(async () => assert.equal(await generation(), 2));
});

test("a node that knows no ticket keys is told of the sessions to end all the same", async () => {
  await using link = await openLink();
  const node = await link.control.node();
  await using client = await nodeClient(link, node);
  await link.control.services.ticketKeys.rotate(link.control.admin);
  const [keys] = await client.commands(1);
  client.socket.send(JSON.stringify([{ id: keys?.id, error: { code: "not_found" } }]));

  await link.control.services.sessions.end(link.control.admin, await active(link, node));

  await eventually(async () => {
    const commands = await client.commands(2);
    assert.ok(commands.some(({ call }) => call === "end-sessions"));
  });
});

test("after something was missed all nodes are looked after, a bounded number of them at once", async () => {
  const nodeIds = Array.from({ length: 200 }, (_, index) => `node ${index}`);
  const judged: string[] = [];
  const looked = new Set<string>();
  let [running, most] = [0, 0];
  let subscriber: Subscriber | undefined;
  const lookAfter = async (nodeId: string) => {
    running += 1;
    most = Math.max(most, running);
    await setImmediate();
    running -= 1;
    looked.add(nodeId);
  };
  const commands = new Commands({
    held: {
      nodeIds: () => nodeIds,
      holds: () => true,
      ask: async () => ({}),
      judge: async (nodeId) => void judged.push(nodeId),
    },
    cluster: {
      publish: async () => {},
      subscribe: (_topic, its) => {
        subscriber = its;
        return { stop() {} };
      },
      lead: () => ({ stop: async () => {} }),
      close: async () => {},
    },
    errands: [lookAfter],
    log: pino({ level: "silent" }),
  });

  subscriber?.missed();

  await eventually(() => assert.equal(looked.size, nodeIds.length));
  assert.deepEqual(judged, nodeIds);
  assert.ok(most <= 32, `${most} at once`);
  await commands.stop();
});

test("a control that stops while a node owes it an answer stops all the same", async () => {
  await using link = await openLink();
  const node = await link.control.node();
  const id = await active(link, node);
  await using client = await nodeClient(link, node);
  await link.control.services.sessions.end(link.control.admin, id);
  await client.commands(1);

  await link.stop();

  assert.equal((await client.closed()).code, 1001);
});

async function active({ control }: OpenLink, { id: nodeId, incarnation }: TestNode): Promise<string> {
  const machineId = (await control.machine()).id;
  const { sessionId } = await control.services.consoles.open(control.admin, { machineId, api: "native" });
  const viewerAddress = "198.51.100.7";
  await control.link.redeem(nodeId, { incarnation, sessionId, attachment: 1, viewerAddress });
  const report = { sessionId, attachment: 1, at: 0, bytesToViewer: 0, bytesFromViewer: 0 };
  await control.link.takeReports({ nodeId, incarnation }, [{ ...report, state: "active" }]);
  return sessionId;
}
