import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { connect } from "node:tls";
import { GatewayError } from "#wire/gateway-error.ts";
import { LINK_PATHS } from "#wire/link.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { postToLink } from "../../../test/harness/link-client.ts";
import { nodeClient, openLink } from "../../../test/harness/open-link.ts";

const REDEEM = { incarnation: "0123456789abcdef", sessionId: "s", attachment: 1, viewerAddress: "::1" };

test("questions of one frame are answered each for itself, and a slow one holds up no other", async () => {
  const redeemed = Promise.withResolvers<void>();
  await using link = await openLink({
    redeem: async () => {
      await redeemed.promise;
      throw new GatewayError("ticket_used");
    },
  });
  const node = await link.control.node();
  await using client = await nodeClient(link, node);
  const { incarnation } = node;

  const slow = client.ask("redeem", REDEEM);
  const [good, bad] = await client.askTogether([
    ["heartbeat", { incarnation, sessions: 0 }],
    ["heartbeat", {}],
  ]);
  redeemed.resolve();

  assert.ok(good?.body.now > 0);
  assert.equal(bad?.error.code, "request_invalid");
  assert.equal((await slow).error.code, "ticket_used");
});

test("a node that asks without end is read no further than it is answered", async () => {
  const leave = Promise.withResolvers<void>();
  let asked = 0;
  await using link = await openLink({
    redeem: async () => {
      asked += 1;
      await leave.promise;
      throw new GatewayError("ticket_used");
    },
  });
  await using client = await nodeClient(link, await link.control.node());
  await using bystander = await nodeClient(link, await link.control.node());
  const ask = async (count: number) =>
    await client.askTogether(Array.from({ length: count }, () => ["redeem", REDEEM] as const));

  const first = ask(1024);
  await eventually(() => assert.equal(asked, 1024));
  const more = ask(1000);
  await eventually(() => assert.equal(client.socket.bufferedAmount, 0));
  for (let times = 0; times < 20; times++) await bystander.ask("heartbeat", {});
  assert.equal(asked, 1024);
  leave.resolve();

  assert.equal((await first).length + (await more).length, 2024);
  assert.equal(asked, 2024);
});

test("a control that stops answers what was asked, takes nothing up any more, and closes the channel", async () => {
  const asked = Promise.withResolvers<void>();
  const leave = Promise.withResolvers<void>();
  let redemptions = 0;
  await using link = await openLink({
    redeem: async () => {
      redemptions += 1;
      asked.resolve();
      await leave.promise;
      throw new GatewayError("ticket_used");
    },
  });
  await using client = await nodeClient(link, await link.control.node());
  const answer = client.ask("redeem", REDEEM);
  await asked.promise;

  const stopped = link.stop();
  const late = assert.rejects(client.ask("redeem", REDEEM), /closed with 1001/);
  await eventually(() => assert.equal(client.socket.bufferedAmount, 0));
  leave.resolve();

  assert.equal((await answer).error.code, "ticket_used");
  assert.equal((await client.closed()).code, 1001);
  await Promise.all([late, stopped]);
  assert.equal(redemptions, 1);
});

test("a certificate that ends is refused on the channel that it has", async () => {
  await using link = await openLink();
  const node = await link.control.node();
  await using client = await nodeClient(link, node);
  const { incarnation } = node;
  assert.ok("body" in (await client.ask("heartbeat", { incarnation, sessions: 0 })));

  link.control.clock.advance(366 * 24 * 60 * 60 * 1000);

  await assert.rejects(client.ask("heartbeat", { incarnation, sessions: 0 }), /closed with 4403/);
});

test("a node has two channels at most: one more ends its oldest, and no other node's", async () => {
  await using link = await openLink();
  const node = await link.control.node();
  await using bystander = await nodeClient(link, await link.control.node());
  await using first = await nodeClient(link, node);
  await using second = await nodeClient(link, node);

  await using third = await nodeClient(link, node);

  assert.equal((await first.closed()).code, 1006);
  for (const client of [second, third, bystander])
    assert.equal((await client.ask("heartbeat", {})).error.code, "request_invalid");
});

test("an upgrade behind a request that is not answered yet ends that connection, and nothing else", async () => {
  await using link = await openLink();
  const { hostname, port } = new URL(link.origin);
  const socket = connect({ host: hostname, port: Number(port), ca: link.ca });
  socket.on("error", () => {});
  const closed = once(socket, "close");
  socket.resume();
  await once(socket, "secureConnect");

  const join = `POST ${LINK_PATHS.join} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}`;
  const upgrade = "GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  socket.write(join + upgrade);

  await closed;
  assert.equal((await postToLink(link, "/link/v1/nothing", {})).status, 404);
});
