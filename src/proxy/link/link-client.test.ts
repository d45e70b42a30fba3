import assert from "node:assert/strict";
import { on, once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { fingerprint } from "#tls/node-identity.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Question } from "#wire/link.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { LinkDouble } from "../../../test/harness/link-double.ts";
import { isHeartbeatResponse, isReopenResponse } from "./answers.ts";
import { CHANNEL_DEADLINES, type ChannelDeadlines } from "./channel.ts";
import { introduceBy, join } from "./join.ts";
import { LinkClient, type LinkCredentials } from "./link-client.ts";

const BEAT = { incarnation: "0123456789abcdef", sessions: 0 };
const PATIENT = { deadlineMs: 60_000 };

function clientOf(
  controls: readonly string[],
  credentials: LinkCredentials,
  deadlines: ChannelDeadlines = CHANNEL_DEADLINES,
): LinkClient {
  const obey = async ({ call, body }: Question) => ({ obeyed: [call, body] });
  return new LinkClient({ controls, credentials, obey, deadlines });
}

interface Linked extends AsyncDisposable {
  readonly control: LinkDouble;
  readonly client: LinkClient;
  beat(deadlineMs?: number): Promise<unknown>;
}

async function linked(deadlines: ChannelDeadlines = CHANNEL_DEADLINES): Promise<Linked> {
  const control = await LinkDouble.start();
  const identity = await join(control.url, introduceBy(control.joinToken), AbortSignal.timeout(60_000));
  const client = clientOf([control.url], identity, deadlines);
  return {
    control,
    client,
    beat: async (deadlineMs = 60_000) =>
      await client.call("heartbeat", BEAT, isHeartbeatResponse, { deadlineMs }),
    async [Symbol.asyncDispose]() {
      client[Symbol.dispose]();
      await control[Symbol.asyncDispose]();
    },
  };
}

test("questions that come at once share one channel, also when it is not open yet", async () => {
  await using link = await linked();

  await Promise.all(Array.from({ length: 50 }, async () => await link.beat()));

  assert.equal(link.control.heartbeats, 50);
  assert.equal(link.control.channels.size, 1);
});

test("what is asked when the channel breaks is unreachable, and the next question opens another", async () => {
  await using link = await linked();
  await link.beat();
  link.control.mood = "silence";
  const waiting = link.beat();
  const lost = assert.rejects(waiting, { code: "control_unreachable" });

  for (const channel of link.control.channels) channel.terminate();
  await lost;

  link.control.mood = "answer";
  await link.beat();
  assert.equal(link.control.heartbeats, 2);
});

test("a channel whose other end does not even answer a ping is given up for a new one", async () => {
  await using link = await linked({ ...CHANNEL_DEADLINES, quietMs: 50, pingMs: 50 });
  await link.beat();
  const [first] = link.control.channels;
  first?.pause();

  await assert.rejects(link.beat(), { code: "control_unreachable" });

  await link.beat();
  assert.ok([...link.control.channels].some((channel) => channel !== first));
  first?.terminate();
});

test("a control that takes the connection and says nothing is tried anew", async () => {
  await using control = await LinkDouble.start();
  const identity = await join(control.url, introduceBy(control.joinToken), AbortSignal.timeout(60_000));
  await using deaf = createServer((socket) => socket.resume()).listen(0, "127.0.0.1");
  await once(deaf, "listening");
  const connections = on(deaf, "connection");
  const { port } = deaf.address() as AddressInfo;
  const deadlines = { ...CHANNEL_DEADLINES, openMs: 50 };
  using client = clientOf([`https://127.0.0.1:${port}`], identity, deadlines);
  const ask = async () => await client.call("heartbeat", BEAT, isHeartbeatResponse, PATIENT);

  for (let times = 0; times < 2; times++) {
    await assert.rejects(ask(), { code: "control_unreachable" });
    await connections.next();
  }
});

test("a question that is slow to be answered does not cost the others their channel", async () => {
  await using link = await linked({ ...CHANNEL_DEADLINES, quietMs: 50 });
  await link.beat();
  const [first] = link.control.channels;
  assert.ok(first !== undefined);
  const pings = on(first, "ping");
  link.control.mood = "silence";
  const slow = link.client.call("reopen", {}, isReopenResponse, PATIENT);
  slow.catch(() => {});

  for (let times = 0; times < 3; times++) await pings.next();

  link.control.mood = "answer";
  await link.beat();
  assert.deepEqual([...link.control.channels], [first]);
});

test("control's refusal is its own, and what is not of the link is none", async () => {
  await using link = await linked();
  link.control.refusals.push({ call: "heartbeat", code: "node_superseded" });

  await assert.rejects(link.beat(), { code: "node_superseded" });

  const misread = link.client.call("heartbeat", BEAT, (value): value is never => value === 0, PATIENT);
  await assert.rejects(misread, { code: "control_unreachable" });
});

for (const [what, say] of [
  ["no JSON", "{"],
  ["no list", "{}"],
  ["answers without numbers", '[{"body":{}}]'],
  ["bytes", Buffer.from("[]")],
] as const) {
  test(`a control that says ${what} is not one`, async () => {
    await using link = await linked();
    await link.beat();
    link.control.mood = "silence";
    const lost = assert.rejects(link.beat(), { code: "control_unreachable" });

    for (const channel of link.control.channels) channel.send(say);

    await lost;
  });
}

test("a client that is disposed of lets go of a control that does not even shake hands", async () => {
  await using control = await LinkDouble.start();
  const identity = await join(control.url, introduceBy(control.joinToken), AbortSignal.timeout(60_000));
  await using deaf = createServer().listen(0, "127.0.0.1");
  await once(deaf, "listening");
  const { port } = deaf.address() as AddressInfo;
  const client = clientOf([`https://127.0.0.1:${port}`], identity);
  const asked = client.call("heartbeat", BEAT, isHeartbeatResponse, PATIENT);
  const unreachable = assert.rejects(asked, { code: "control_unreachable" });
  const [socket] = (await once(deaf, "connection")) as [Socket];
  socket.resume();

  client[Symbol.dispose]();

  await unreachable;
  await once(socket, "close");
});

test("an answer that nobody waits for is dropped", async () => {
  await using link = await linked();
  await link.beat();

  for (const channel of link.control.channels) channel.send('[{"id":4711,"body":{}}]');

  await link.beat();
  assert.equal(link.control.channels.size, 1);
});

test("a channel that control closes is refused in control's words", async () => {
  await using link = await linked();
  await link.beat();
  link.control.mood = "silence";
  const refused = assert.rejects(link.beat(), { code: "node_refused" });

  for (const channel of link.control.channels) channel.close(4403, "node_refused");

  await refused;
});

test("a close that is not a refusal says nothing about the questions, whatever its reason", async () => {
  await using link = await linked();
  await link.beat();
  link.control.mood = "silence";
  const lost = assert.rejects(link.beat(), { code: "control_unreachable" });

  for (const channel of link.control.channels) channel.close(1007, "request_invalid");

  await lost;
});

test("whoever is nobody's node is refused before there is a channel", async () => {
  await using control = await LinkDouble.start();
  await using other = await LinkDouble.start();
  const identity = await join(other.url, introduceBy(other.joinToken), AbortSignal.timeout(60_000));
  using client = clientOf([control.url], { ...identity, authority: control.authority.certificate });

  await assert.rejects(client.call("heartbeat", BEAT, isHeartbeatResponse, PATIENT), {
    code: "node_refused",
  });
});

test("a control whose certificate is of another installation is not talked to", async () => {
  await using control = await LinkDouble.start();
  await using other = await LinkDouble.start();
  const identity = await join(control.url, introduceBy(control.joinToken), AbortSignal.timeout(60_000));
  using client = clientOf([other.url], identity);

  await assert.rejects(client.call("heartbeat", BEAT, isHeartbeatResponse, PATIENT), {
    code: "control_unreachable",
  });
  assert.equal(other.heartbeats, 0);
});

for (const [what, cut] of [
  ["in use", false],
  ["lost again", true],
] as const) {
  test(`credentials that come while a channel is opened are those that are shown, on a channel that is ${what}`, async () => {
    await using control = await LinkDouble.start();
    const older = await join(control.url, introduceBy(control.joinToken), AbortSignal.timeout(60_000));
    const newer = await join(control.url, introduceBy(control.joinToken), AbortSignal.timeout(60_000));
    using client = clientOf([control.url], older, { ...CHANNEL_DEADLINES, openMs: 60_000 });
    const held = control.hold("channel");
    const beating = client.call("heartbeat", BEAT, isHeartbeatResponse, PATIENT);
    await held.asked;

    await client.replaceCredentials(newer, PATIENT);
    if (cut) {
      for (const channel of control.channels) channel.terminate();
      await eventually(() => assert.equal(client.localAddress, undefined));
    }
    held.answer();
    await beating;

    const [first, next] = [fingerprint(older.certificate), fingerprint(newer.certificate)];
    assert.deepEqual(control.shown, cut ? [next, first, next] : [next, first]);
    await eventually(() => assert.equal(control.channels.size, 1));
  });
}

test("a refusal of credentials that are replaced meanwhile is nobody's", async () => {
  await using control = await LinkDouble.start();
  const older = await join(control.url, introduceBy(control.joinToken), AbortSignal.timeout(60_000));
  const newer = await join(control.url, introduceBy(control.joinToken), AbortSignal.timeout(60_000));
  using client = clientOf([control.url], older, { ...CHANNEL_DEADLINES, openMs: 60_000 });
  const held = control.hold("channel");
  const beating = client.call("heartbeat", BEAT, isHeartbeatResponse, PATIENT);
  await held.asked;

  await client.replaceCredentials(newer, PATIENT);
  control.refusals.push({ call: "channel", code: "node_refused" });
  held.answer();
  await beating;

  assert.deepEqual(control.shown, [fingerprint(newer.certificate)]);
});

test("who is stopped while the channel is being opened, or while it waits, is told why", async () => {
  await using link = await linked();
  const stop = new AbortController();
  const ask = async () =>
    await link.client.call("heartbeat", BEAT, isHeartbeatResponse, { ...PATIENT, signal: stop.signal });
  link.control.mood = "silence";

  const waiting = ask();
  stop.abort(new GatewayError("node_stopping"));

  await assert.rejects(waiting, { code: "node_stopping" });
  await assert.rejects(ask(), { code: "node_stopping" });
});

test("a question that may be repeated is asked again where its channel was lost, of the next replica", async () => {
  await using one = await LinkDouble.start();
  await using other = await LinkDouble.start(one.authority);
  const identity = await join(one.url, introduceBy(one.joinToken), AbortSignal.timeout(60_000));
  using client = clientOf([one.url, other.url], identity);
  const ask = async (repeatable: boolean) =>
    await client.call("heartbeat", BEAT, isHeartbeatResponse, { ...PATIENT, repeatable });
  await ask(false);
  const [first, next] = one.heartbeats === 1 ? [one, other] : [other, one];
  first.mood = "drop";

  await ask(true);

  assert.deepEqual([first.heartbeats, next.heartbeats], [1, 1]);
  next.mood = "drop";
  await assert.rejects(ask(true), { code: "control_unreachable" });
});

test("a replica that has lost its database is left for another one, when its answers are there", async () => {
  await using one = await LinkDouble.start();
  await using other = await LinkDouble.start(one.authority);
  const identity = await join(one.url, introduceBy(one.joinToken), AbortSignal.timeout(60_000));
  using client = clientOf([one.url, other.url], identity);
  const ask = async () =>
    await client.call("heartbeat", BEAT, isHeartbeatResponse, { ...PATIENT, repeatable: true });
  await ask();
  const [first, next] = one.heartbeats === 1 ? [one, other] : [other, one];
  const held = first.hold("reopen");
  const waiting = client.call("reopen", {}, isReopenResponse, PATIENT);
  await held.asked;
  first.refusals.push({ call: "heartbeat", code: "database_unavailable" });

  await ask();

  assert.deepEqual([next.heartbeats, first.channels.size], [1, 1]);
  held.answer();
  await waiting;
  await eventually(() => assert.equal(first.channels.size, 0));
});

test("a replica that is without its database when it is dialled is passed over for the next one", async () => {
  await using one = await LinkDouble.start();
  await using two = await LinkDouble.start(one.authority);
  await using three = await LinkDouble.start(one.authority);
  const replicas = [one, two, three];
  const identity = await join(one.url, introduceBy(one.joinToken), AbortSignal.timeout(60_000));
  using client = clientOf(
    replicas.map(({ url }) => url),
    identity,
  );
  const ask = async () =>
    await client.call("heartbeat", BEAT, isHeartbeatResponse, { ...PATIENT, repeatable: true });
  await ask();
  const first = replicas.findIndex(({ heartbeats }) => heartbeats === 1);
  const [second, third] = [replicas[(first + 1) % 3], replicas[(first + 2) % 3]];
  second?.refusals.push({ call: "channel", code: "database_unavailable" });
  for (const channel of replicas[first]?.channels ?? []) channel.terminate();
  await eventually(() => assert.equal(replicas[first]?.channels.size, 0));

  await ask();

  assert.equal(third?.heartbeats, 1);
});

test("where there is one control alone, its refusal is what it is, and the channel stays", async () => {
  await using link = await linked();
  await link.beat();
  link.control.refusals.push({ call: "heartbeat", code: "database_unavailable" });

  await assert.rejects(link.beat(), { code: "database_unavailable" });

  assert.equal(link.control.channels.size, 1);
});

test("one that may not be is asked once", async () => {
  await using link = await linked();
  await link.beat();
  link.control.mood = "drop";

  await assert.rejects(link.beat(), { code: "control_unreachable" });

  link.control.mood = "answer";
  await link.beat();
  assert.equal(link.control.heartbeats, 2);
});

test("what control asks is obeyed, and answered", async () => {
  await using link = await linked();
  await link.beat();
  const [channel] = link.control.channels;
  assert.ok(channel !== undefined);
  const said = once(channel, "message");

  channel.send('[{"id":7,"call":"end-sessions","body":{"sessions":[]}}]');

  const [data] = await said;
  const answer = { id: 7, body: { obeyed: ["end-sessions", { sessions: [] }] } };
  assert.deepEqual(JSON.parse(String(data)), [answer]);
});
