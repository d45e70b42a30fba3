import assert from "node:assert/strict";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { ConfigError } from "#base/config.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { startTestNode, type TestNode } from "../../test/harness/test-node.ts";
import { loadProxyConfig } from "./config.ts";

const PROXY = "127.0.0.1";
const STRANGER = "127.0.0.8";
const VIEWER = "192.0.2.9";
const LINE = `PROXY TCP4 ${VIEWER} 10.0.0.1 4660 443\r\n`;

/** Believes headers, and no more. */
let http: TestNode;
/** Wants to be told whose each connection is. */
let announced: TestNode;
before(async () => {
  http = await startTestNode({ flags: { "trusted-proxies": PROXY } });
  announced = await startTestNode({ flags: { "trusted-proxies": PROXY, "proxy-protocol": "true" } });
});
after(async () => {
  await http[Symbol.asyncDispose]();
  await announced[Symbol.asyncDispose]();
});

/** Says these pieces, each once the one before has been sent, and resolves to all that is answered. */
async function say(
  node: TestNode,
  pieces: readonly (string | Buffer)[],
  localAddress = PROXY,
): Promise<string> {
  const { hostname, port } = new URL(node.origin);
  const socket = connect({ host: hostname, port: Number(port), localAddress, noDelay: true });
  socket.on("error", () => {});
  const answer = text(socket).catch(() => "");
  for (const piece of pieces) await new Promise<void>((resolve) => socket.write(piece, () => resolve()));
  return await answer;
}

/** Which is asked of control with the viewer's address. */
function reopening(headers: Readonly<Record<string, string>> = {}): string {
  const body = JSON.stringify({ credential: "reopen-1" });
  const lines = Object.entries({
    host: "node",
    connection: "close",
    "content-type": "application/json",
    "content-length": String(body.length),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST /p/x/reopen HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
}

async function seen(node: TestNode, pieces: readonly (string | Buffer)[], localAddress = PROXY) {
  const before = node.control.reopenings.length;
  await say(node, pieces, localAddress);
  await eventually(() => assert.equal(node.control.reopenings.length, before + 1));
  return node.control.reopenings.at(-1)?.viewerAddress;
}

test("X-Forwarded-For is believed from a trusted proxy", async () => {
  assert.equal(await seen(http, [reopening({ "x-forwarded-for": VIEWER })]), VIEWER);
});

test("X-Forwarded-For is believed from nobody else", async () => {
  assert.equal(await seen(http, [reopening({ "x-forwarded-for": VIEWER })], STRANGER), STRANGER);
});

test("each request of a connection is its own viewer's", async () => {
  const first = reopening({ "x-forwarded-for": "192.0.2.1", connection: "keep-alive" });
  const second = reopening({ "x-forwarded-for": "192.0.2.2" });

  await say(http, [first, second]);

  const last = http.control.reopenings.slice(-2).map(({ viewerAddress }) => viewerAddress);
  assert.deepEqual(last, ["192.0.2.1", "192.0.2.2"]);
});

test("a PROXY header says whose a connection is, wherever it is cut", async () => {
  const whole = LINE + reopening();

  assert.equal(await seen(announced, [whole]), VIEWER);
  assert.equal(await seen(announced, [LINE, reopening()]), VIEWER);
  assert.equal(
    await seen(
      announced,
      [...Buffer.from(whole)].map((byte) => Buffer.of(byte)),
    ),
    VIEWER,
  );
});

test("who comes past the proxy needs no PROXY header, and is not believed one", async () => {
  assert.equal(await seen(announced, [reopening()], STRANGER), STRANGER);
  assert.match(await say(announced, [LINE + reopening()], STRANGER), /^HTTP\/1\.1 400 /);
});

test("what a viewer writes into headers behind a PROXY header is its own word", async () => {
  const forged = reopening({ "x-forwarded-for": "192.0.2.66" });

  assert.equal(await seen(announced, [LINE + forged]), VIEWER);
  assert.equal(await seen(announced, [`PROXY UNKNOWN\r\n${forged}`]), PROXY);
});

test("who says nothing behind a PROXY header is hung up on, and one without keeps no node from stopping", async () => {
  const flags = { "trusted-proxies": PROXY, "proxy-protocol": "true" };
  await using node = await startTestNode({ flags, deadlines: { firstByteMs: 200 } });
  assert.equal(await say(node, [LINE]), "");

  await using patient = await startTestNode({ flags, deadlines: { firstByteMs: 600_000 } });
  const waiting = say(patient, ["PROXY "]);
  const silent = say(patient, [LINE]);
  await patient.stop();

  assert.deepEqual(await Promise.all([waiting, silent]), ["", ""]);
});

test("a trusted proxy that sends no PROXY header gets no answer, and the log says why", async () => {
  assert.equal(await say(announced, [reopening()]), "");
  assert.match(announced.log(), /does not begin with a PROXY header/);
});

test("where no PROXY header is expected it is no request", async () => {
  assert.match(await say(http, [LINE + reopening()]), /^HTTP\/1\.1 400 /);
});

test("whose PROXY headers are believed has to be said", () => {
  const args = [
    "--control",
    "https://127.0.0.1:1",
    "--data",
    "x",
    "--listen",
    "127.0.0.1:0",
    "--proxy-protocol",
  ];

  assert.throws(() => loadProxyConfig(args), ConfigError);
});
