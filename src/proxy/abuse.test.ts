import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { eventually } from "../../test/harness/eventually.ts";
import { startTestNode, type TestNode } from "../../test/harness/test-node.ts";
import { startRfbUpstream } from "../../test/harness/test-upstream.ts";
import { TestViewer } from "../../test/harness/test-viewer.ts";

let node: TestNode;
before(async () => {
  node = await startTestNode();
});
after(async () => await node[Symbol.asyncDispose]());

const KEY = Buffer.alloc(16).toString("base64");
const UPGRADE = [
  "GET /websockify HTTP/1.1",
  "Host: x",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  `Sec-WebSocket-Key: ${KEY}`,
];

const headers = (lines: readonly string[]) => `${lines.join("\r\n")}\r\n\r\n`;
const many = (count: number) => Array.from({ length: count }, (_, index) => `a${index}: b`);

/** What was not read of a request makes the kernel reset the connection, which can overtake the answer. */
const TOO_LARGE = /^(HTTP\/1\.1 431 [\s\S]*"code":"headers_too_large"|$)/;

const REQUESTS: readonly [what: string, bytes: string | Buffer, answer: RegExp][] = [
  ["bytes that are no HTTP", Buffer.alloc(4096, 0xff), /^HTTP\/1\.1 400 [\s\S]*"code":"request_invalid"/],
  ["an RFB version", "RFB 003.008\n", /^HTTP\/1\.1 400 /],
  ["a request line without an end", `GET /${"A".repeat(64 * 1024)}`, TOO_LARGE],
  [
    "more than 2000 headers",
    headers(["GET / HTTP/1.1", "Host: x", ...many(2_500)]),
    /^HTTP\/1\.1 431 [\s\S]*"code":"/,
  ],
  [
    "101 headers",
    headers(["GET / HTTP/1.1", "Host: x", ...many(100)]),
    /^HTTP\/1\.1 431 [\s\S]*"code":"headers_too_large"/,
  ],
  ["64 KiB of one header", headers(["GET / HTTP/1.1", "Host: x", `a: ${"b".repeat(65_536)}`]), TOO_LARGE],
  ["an upgrade with more than 2000 headers", headers([...UPGRADE, ...many(2_500)]), TOO_LARGE],
  [
    "an upgrade with the headers of the WebSocket behind 100 others",
    headers([...UPGRADE.slice(0, 2), ...many(150), ...UPGRADE.slice(2)]),
    /^HTTP\/1\.1 431 [\s\S]*"code":"/,
  ],
  ["an upgrade without a key", headers(UPGRADE.slice(0, 5)), /^HTTP\/1\.1 400 [\s\S]*Sec-WebSocket-Key/],
  [
    "an upgrade with an empty key",
    headers([...UPGRADE.slice(0, 5), "Sec-WebSocket-Key:"]),
    /^HTTP\/1\.1 400 /,
  ],
  ["an upgrade with two keys", headers([...UPGRADE, `Sec-WebSocket-Key: ${KEY}`]), /^HTTP\/1\.1 400 /],
  [
    "an upgrade of version 8",
    headers(UPGRADE.with(4, "Sec-WebSocket-Version: 8")),
    /^HTTP\/1\.1 400 [\s\S]*must be 13/,
  ],
  [
    "an upgrade by POST with a body",
    `${headers([...UPGRADE.with(0, "POST / HTTP/1.1"), "Content-Length: 5"])}hello`,
    /^HTTP\/1\.1 400 /,
  ],
  [
    "an upgrade to HTTP/2",
    headers(["GET / HTTP/1.1", "Host: x", "Connection: Upgrade", "Upgrade: h2c"]),
    /^HTTP\/1\.1 404 /,
  ],
  [
    "an upgrade with broken sub-protocols",
    headers([...UPGRADE, 'Sec-WebSocket-Protocol: ,,;;binary"(']),
    /^HTTP\/1\.1 400 [\s\S]*subprotocol_unsupported/,
  ],
  [
    "a body with a length and chunks",
    headers(["POST / HTTP/1.1", "Host: x", "Content-Length: 3", "Transfer-Encoding: chunked"]),
    /^HTTP\/1\.1 400 /,
  ],
  ["a header with a bare line feed in it", "GET / HTTP/1.1\nHost: x\n a\u0000b\n\n", /^HTTP\/1\.1 400 /],
];

for (const [what, bytes, expected] of REQUESTS) {
  test(`${what} is answered with an error, and the node lives`, async () => {
    const answer = await raw(bytes);

    assert.match(answer, expected);
    assert.equal((await fetch(`${node.origin}/p/x/console.html`)).status, 200);
  });
}

test("garbage behind a request brings no second answer into the first", async () => {
  const page = await raw("GET /p/x/console.html HTTP/1.1\r\nHost: x\r\n\r\n\u0016 what is this\r\n\r\n");

  assert.match(page, /^HTTP\/1\.1 200 /);
  assert.equal(page.match(/HTTP\/1\.1/g)?.length, 1, page);
});

test("CONNECT and TRACE lead nowhere", async () => {
  assert.doesNotMatch(
    await raw("CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n"),
    /^HTTP\/1\.1 200/,
  );
  assert.match(await raw("TRACE / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), /^HTTP\/1\.1 404/);
});

const FRAMES: readonly [what: string, frame: Uint8Array][] = [
  ["an unmasked frame", Uint8Array.of(0x82, 1, 0)],
  ["a frame with reserved bits", Uint8Array.of(0xf2, 0x81, 0, 0, 0, 0, 0)],
  ["an unknown opcode", Uint8Array.of(0x83, 0x81, 0, 0, 0, 0, 0)],
  ["a continuation of nothing", Uint8Array.of(0x80, 0x81, 0, 0, 0, 0, 0)],
  ["a ping that is too long", Uint8Array.of(0x89, 0xfe, 0, 126, 0, 0, 0, 0, ...new Uint8Array(126))],
  ["a frame of 2^62 bytes", Uint8Array.of(0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)],
  ["a close code that does not exist", Uint8Array.of(0x88, 0x82, 0, 0, 0, 0, 0x03, 0xec)],
  ["text that is no UTF-8", Uint8Array.of(0x81, 0x81, 0, 0, 0, 0, 0xff)],
];

for (const [what, frame] of FRAMES) {
  test(`${what} ends the session, and only this session`, async () => {
    await using machine = await startRfbUpstream();
    const good = await node.control.issue({ upstream: machine.upstream });
    await using bystander = await TestViewer.bare(node.origin, good.ticket);
    await bystander.handshake();
    const { ticket, sessionId } = await node.control.issue({ upstream: machine.upstream });
    const socket = await upgraded(ticket);

    socket.write(frame);

    await eventually(() => assert.ok(socket.destroyed || socket.readableEnded));
    await eventually(() => assert.ok(node.control.endingOf(sessionId) !== undefined));
    assert.equal(bystander.closed, undefined);
    socket.destroy();
  });
}

test("a message cut into thousands of frames ends the session", async () => {
  await using machine = await startRfbUpstream();
  const { ticket, sessionId } = await node.control.issue({ upstream: machine.upstream });
  const socket = await upgraded(ticket);
  const continued = Uint8Array.of(0x00, 0x81, 0, 0, 0, 0, 0);

  socket.write(Buffer.concat([Uint8Array.of(0x02, 0x81, 0, 0, 0, 0, 0), ...Array(5_000).fill(continued)]));

  await eventually(() =>
    assert.equal(node.control.endingOf(sessionId)?.ending?.code, "viewer_protocol_error"),
  );
  socket.destroy();
});

test("an upgrade that trickles in holds nobody else up", async () => {
  const slow = connectTo(node);
  slow.write("GET /websockify HTTP/1.1\r\nHost: x\r\n");

  assert.equal((await fetch(`${node.origin}/p/x/console.html`)).status, 200);

  slow.destroy();
});

function connectTo({ origin }: TestNode): Socket {
  const socket = connect({ host: "127.0.0.1", port: Number(new URL(origin).port) });
  socket.on("error", () => {}); // Being cut off is part of what is tested.
  return socket;
}

/** Sends bytes as they are, and returns all that comes back until the node closes, or lets a WebSocket in. Closes `half` of it. */
async function raw(bytes: string | Buffer, { half = true } = {}): Promise<string> {
  const socket = connectTo(node);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => {
    chunks.push(chunk);
    if (chunk.includes("HTTP/1.1 101 ")) socket.destroy();
  });
  const closed = new Promise<void>((resolve) => socket.on("close", () => resolve()));
  socket.write(bytes);
  if (half) socket.end();
  await closed;
  return Buffer.concat(chunks).toString("latin1");
}

/** A socket on which the node speaks WebSocket from here on. */
async function upgraded(ticket: string): Promise<Socket> {
  const socket = connectTo(node);
  socket.write(headers(UPGRADE.with(0, `GET /?token=${ticket} HTTP/1.1`)));
  const [answer] = (await once(socket, "data")) as [Buffer];
  assert.match(answer.toString("latin1"), /^HTTP\/1\.1 101 /);
  socket.resume();
  return socket;
}

for (const [what, before] of [
  ["a request that is not answered yet", headers(["GET /p/x/console.html HTTP/1.1", "Host: x"])],
  ["one that the node refuses for what it expects", headers(["GET / HTTP/1.1", "Host: x", "Expect: it"])],
  ["one that the node refuses for having no Host", headers(["GET / HTTP/1.1"])],
] as const) {
  test(`an upgrade behind ${what} spends no ticket, and is no trouble of the node's`, async () => {
    const { ticket, sessionId } = await node.control.issue();
    const open = headers(UPGRADE.with(0, `GET /?token=${ticket} HTTP/1.1`));
    const earlier = node.log().length;

    for (const upgrade of [open, headers(UPGRADE.slice(0, 4))])
      assert.doesNotMatch(await raw(before + upgrade, { half: false }), / 101 |"code"/);

    assert.ok(!node.control.redemptions.some((redemption) => redemption.sessionId === sessionId));
    assert.doesNotMatch(node.log().slice(earlier), /"level":50/);
    assert.equal((await fetch(`${node.origin}/p/x/console.html`)).status, 200);
  });
}
