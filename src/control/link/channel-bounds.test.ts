import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { GatewayError } from "#wire/gateway-error.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { nodeClient, openLink } from "../../../test/harness/open-link.ts";

const REDEEM = { incarnation: "0123456789abcdef", sessionId: "s", attachment: 1, viewerAddress: "::1" };
const REOPEN = { incarnation: "0123456789abcdef", credential: "c", viewerAddress: "::1" };
const NEVER = 60 * 60 * 1000;

test("a node that says nothing for long is cut off", async () => {
  await using link = await openLink({ deadlines: { silenceMs: 50, finishMs: NEVER } });
  await using client = await nodeClient(link, await link.control.node());

  assert.equal((await client.closed()).code, 1006);
});

test("a control that stops waits for a question no longer than a while, and survives its late answer", async () => {
  const asked = Promise.withResolvers<void>();
  const leave = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  await using link = await openLink({
    deadlines: { silenceMs: NEVER, finishMs: 50 },
    redeem: async () => {
      asked.resolve();
      await leave.promise;
      answered.resolve();
      throw new GatewayError("ticket_used");
    },
  });
  await using client = await nodeClient(link, await link.control.node());
  const lost = assert.rejects(client.ask("redeem", REDEEM), /closed with 1001/);
  await asked.promise;

  await link.stop();
  await lost;

  leave.resolve();
  await answered.promise;
});

test("a node that does not take its answers is read no further, and gets all of them once it does", async () => {
  let asked = 0;
  await using link = await openLink({
    reopen: async () => {
      asked += 1;
      return { url: "x".repeat(900_000) };
    },
  });
  await using client = await nodeClient(link, await link.control.node());
  await using bystander = await nodeClient(link, await link.control.node());
  const aWhile = async () => {
    for (let times = 0; times < 20; times++) await bystander.ask("heartbeat", {});
  };

  client.socket.pause();
  const questions: Promise<unknown>[] = [];
  do {
    questions.push(client.ask("reopen", REOPEN));
    await eventually(() => assert.equal(client.socket.bufferedAmount, 0));
    await aWhile();
  } while (asked === questions.length && asked < 100);
  questions.push(client.ask("reopen", REOPEN));
  await aWhile();
  assert.ok(asked >= 5 && asked <= questions.length - 2, `${asked} of ${questions.length}`);
  client.socket.resume();

  await Promise.all(questions);
  assert.equal(asked, questions.length);
});

test("however many connect and show no certificate, a node gets its channel, and keeps it", async () => {
  await using link = await openLink({ connections: { channels: 2, strangers: 5 } });
  await using before = await nodeClient(link, await link.control.node());
  const { port, hostname: host } = new URL(link.origin);
  await using flood = new AsyncDisposableStack();
  const address = { host, port: Number(port) };
  const sockets = Array.from({ length: 50 }, () =>
    connect(address)
      .resume()
      .on("error", () => {}),
  );
  for (const socket of sockets) flood.defer(() => void socket.destroy());
  await Promise.all(sockets.map(async (socket) => await once(socket, "connect").catch(() => {})));

  await using client = await nodeClient(link, await link.control.node());

  for (const each of [before, client]) assert.ok(await each.ask("heartbeat", {}));
  await eventually(() => assert.ok(sockets.filter(({ destroyed }) => !destroyed).length <= 5));
});
