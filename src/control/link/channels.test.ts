import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { connect } from "node:tls";
import { GatewayError } from "#wire/gateway-error.ts";
import { LINK_PATHS, LINK_PROTOCOL } from "#wire/link.ts";
import type { TestNode } from "../../../test/harness/control.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { postToLink } from "../../../test/harness/link-client.ts";
import { nodeClient, type OpenLink, openLink } from "../../../test/harness/open-link.ts";
import { captureLog } from "../../../test/harness/test-node.ts";

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

  const first = Promise.all([ask(1024), ask(1024), ask(1024), ask(1024)]);
  await eventually(() => assert.equal(asked, 4096));
  const more = ask(1000);
  await eventually(() => assert.equal(client.socket.bufferedAmount, 0));
  for (let times = 0; times < 20; times++) await bystander.ask("heartbeat", {});
  assert.equal(asked, 4096);
  leave.resolve();

  assert.equal((await first).flat().length + (await more).length, 5096);
  assert.equal(asked, 5096);
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

const UPGRADE = [
  `GET ${LINK_PATHS.channel} HTTP/1.1`,
  "Host: x",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}`,
  `Sec-WebSocket-Protocol: ${LINK_PROTOCOL}`,
];

/** What comes back from the link until it hangs up, or opens a channel. */
async function said(link: OpenLink, lines: readonly string[], node: Partial<TestNode> = {}) {
  const { hostname: host, port } = new URL(link.origin);
  const { certificate: cert, privateKey: key } = node;
  const socket = connect({ host, port: Number(port), ca: link.ca, ...(cert && key ? { cert, key } : {}) });
  socket.on("error", () => {});
  await once(socket, "secureConnect");
  socket.write(`${lines.join("\r\n")}\r\n\r\n`);
  let all = "";
  for await (const chunk of socket) {
    all += chunk;
    if (all.includes("HTTP/1.1 101")) break;
  }
  return all;
}

const JOIN = [
  `POST ${LINK_PATHS.join} HTTP/1.1`,
  "Host: x",
  "Content-Type: application/json",
  "Content-Length: 2",
];

for (const [what, before] of [
  ["a request that is not answered yet", [...JOIN, "", "{}"].join("\r\n")],
  ["one that Node refuses for what it expects", "GET / HTTP/1.1\r\nHost: x\r\nExpect: it\r\n\r\n"],
  ["one that Node refuses for having no Host", "GET / HTTP/1.1\r\n\r\n"],
] as const) {
  test(`an upgrade behind ${what} opens no channel, and is no trouble of control's`, async () => {
    const { logger: log, text } = captureLog();
    await using link = await openLink({ log });
    const [first = "", ...rest] = UPGRADE;

    const toNode = await said(link, [before + first, ...rest], await link.control.node());
    const toStranger = await said(link, [before + first, ...rest]);

    assert.doesNotMatch(toNode + toStranger, / 101 |node_refused/);
    assert.doesNotMatch(text(), /"level":50/);
    assert.equal((await postToLink(link, "/link/v1/nothing", {})).status, 404);
  });
}

test("a stranger who cannot even be refused is hung up on, and control lives", async () => {
  const { logger, text } = captureLog();
  const log = Object.assign(logger, {
    debug: () => {
      throw new Error("the log is broken");
    },
  });
  await using link = await openLink({ log });

  assert.equal(await said(link, UPGRADE), "");

  assert.match(text(), /A channel could not be opened/);
});
