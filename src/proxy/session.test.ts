import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fromLatin1 } from "#base/bytes.ts";
import { HandshakeError } from "#protocols/rfb/handshake-error.ts";
import { ERRORS, type ErrorCode } from "#wire/errors.ts";
import { VIEW_ONLY } from "#wire/rights.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { startTestNode, type TestNode } from "../../test/harness/test-node.ts";
import { type Caller, startRfbUpstream, startUpstream } from "../../test/harness/test-upstream.ts";
import { TestViewer, webSocketUrl } from "../../test/harness/test-viewer.ts";

let node: TestNode;
/** For those who keep it waiting; a busy machine would do that too. */
let impatient: TestNode;
before(async () => {
  [node, impatient] = await Promise.all([
    startTestNode(),
    startTestNode({ deadlines: { viewerHandshakeMs: 300, upstreamMs: 300 } }),
  ]);
});
after(async () => {
  await node[Symbol.asyncDispose]();
  await impatient[Symbol.asyncDispose]();
});

const KEY_A = Uint8Array.of(4, 1, 0, 0, 0, 0, 0, 0x61);
const UPDATE_REQUEST = Uint8Array.of(3, 1, 0, 0, 0, 0, 2, 128, 1, 224);

for (const protocols of [["binary"], [], ["base64", "binary"]]) {
  test(`a viewer that offers ${JSON.stringify(protocols)} gets bare console bytes, under the machine's name`, async () => {
    await using machine = await startRfbUpstream(({ socket }) => socket.write("screen"));
    const { ticket } = await node.control.issue({ upstream: machine.upstream, machineName: "db-7" });
    const url = `${webSocketUrl(node.origin)}/any/path?x=1&token=${ticket}`;

    await using viewer = await TestViewer.connect(url, { protocols });
    const { name, width, height } = await viewer.handshake();
    viewer.send(KEY_A);

    assert.deepEqual({ name, width, height }, { name: "db-7", width: 640, height: 480 });
    await eventually(() => assert.equal(viewer.bytes.toString(), "screen"));
    const caller = await machine.caller();
    await eventually(() => assert.deepEqual(saidBy(caller), Buffer.from(KEY_A)));
    assert.equal(viewer.webSocket.protocol, protocols.includes("binary") ? "binary" : "");
    assert.deepEqual(viewer.texts, []);
  });
}

test("a porthole.v1 viewer hears how far it is, that it is attached, and how it ended", async () => {
  await using upstream = await startRfbUpstream();
  const { ticket, sessionId } = await node.control.issue({ upstream: upstream.upstream });

  await using viewer = await TestViewer.porthole(node.origin, ticket);
  await viewer.handshake();
  (await upstream.caller()).socket.end();
  await viewer.untilClosed();

  const machine = { id: "machine-1", name: "web-1" };
  assert.deepEqual(viewer.texts, [
    { type: "progress", stage: "dialling", machine },
    { type: "progress", stage: "signing-in", machine },
    { type: "progress", stage: "attaching", machine },
    {
      type: "attached",
      sessionId,
      machine,
      rights: { input: true, clipboardIn: true, resize: true, power: true },
      reopen: `reopen-${sessionId}`,
      entrances: ["http://other-node.example.com"],
      protocol: "rfb",
    },
    { type: "ending", ending: { kind: "closed", code: "upstream_closed", reference: sessionId } },
  ]);
});

test("a viewer's ping is answered, and what it says that nobody knows is ignored", async () => {
  await using machine = await startRfbUpstream();
  const { ticket } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.porthole(node.origin, ticket);
  await viewer.handshake();

  for (const text of ["not JSON", "{}", '{"type":"from-the-future"}', "x".repeat(100_000)])
    viewer.webSocket.send(text);
  viewer.webSocket.send('{"type":"ping","id":7}');

  await eventually(() => assert.deepEqual(viewer.texts.at(-1), { type: "pong", id: 7 }));
});

test("a text frame of a viewer that has no words ends the session", async () => {
  await using machine = await startRfbUpstream();
  const { ticket } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(node.origin, ticket);
  await viewer.handshake();

  viewer.webSocket.send("hello");

  assert.deepEqual(await viewer.untilClosed(), { code: 4453, reason: "viewer_protocol_error" });
  await untilHungUp(await machine.caller());
});

test("a view-only viewer's keys, pointer and clipboard never reach the machine, however they are split", async () => {
  await using machine = await startRfbUpstream();
  const { ticket } = await node.control.issue({ upstream: machine.upstream, rights: VIEW_ONLY });
  await using viewer = await TestViewer.bare(node.origin, ticket);
  await viewer.handshake();
  const pointer = Uint8Array.of(5, 1, 0, 9, 0, 9);
  const clipboard = Uint8Array.of(6, 0, 0, 0, 0, 0, 0, 2, 0x68, 0x69);

  for (const byte of [...KEY_A, ...pointer, ...clipboard, ...UPDATE_REQUEST])
    viewer.send(Uint8Array.of(byte));
  viewer.send(Buffer.concat([KEY_A, clipboard, pointer, UPDATE_REQUEST]));

  const caller = await machine.caller();
  await eventually(() => assert.deepEqual(saidBy(caller), Buffer.concat([UPDATE_REQUEST, UPDATE_REQUEST])));
});

test("a viewer that says what RFB does not have ends the session", async () => {
  await using machine = await startRfbUpstream();
  const { ticket } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(node.origin, ticket);
  await viewer.handshake();

  viewer.send(Uint8Array.of(0xee));

  assert.deepEqual(await viewer.untilClosed(), { code: 4453, reason: "viewer_protocol_error" });
});

test("a frame that is longer than any message ends the session", async () => {
  await using machine = await startRfbUpstream();
  const { ticket, sessionId } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(node.origin, ticket);
  await viewer.handshake();

  viewer.send(new Uint8Array(2 * 1024 * 1024));

  assert.equal((await viewer.untilClosed()).code, 1009);
  await untilReported(sessionId, "viewer_protocol_error");
});

test("a viewer that closes is closed at once, and so is the machine's end", async () => {
  await using machine = await startRfbUpstream();
  const { ticket, sessionId } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(node.origin, ticket);
  await viewer.handshake();
  viewer.send(KEY_A);

  viewer.webSocket.close(1000);

  await untilHungUp(await machine.caller());
  assert.equal((await viewer.untilClosed()).code, 1000);
  const report = await untilReported(sessionId, "viewer_closed");
  assert.equal(report.ending?.kind, "closed");
  assert.equal(report.bytesFromViewer, KEY_A.length);
});

test("a viewer that vanishes is lost, and the machine's end is closed", async () => {
  await using machine = await startRfbUpstream();
  const { ticket, sessionId } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(node.origin, ticket);
  await viewer.handshake();

  viewer.webSocket.terminate();

  await untilHungUp(await machine.caller());
  await untilReported(sessionId, "viewer_lost");
});

test("a machine's last bytes reach the viewer before the end does", async () => {
  await using machine = await startRfbUpstream(({ socket }) => socket.end("last words"));
  const { ticket } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(node.origin, ticket);

  await viewer.handshake();

  assert.deepEqual(await viewer.untilClosed(), { code: 4440, reason: "upstream_closed" });
  assert.equal(viewer.bytes.toString(), "last words");
});

test("a machine whose connection breaks is lost", async () => {
  await using machine = await startRfbUpstream();
  const { ticket, sessionId } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(node.origin, ticket);
  await viewer.handshake();

  (await machine.caller()).socket.resetAndDestroy();

  assert.deepEqual(await viewer.untilClosed(), { code: 4441, reason: "upstream_lost" });
  await untilReported(sessionId, "upstream_lost");
});

test("a console that was refused by the machine can be opened again by a porthole.v1 viewer", async () => {
  const { ticket, sessionId } = await node.control.issue(); // Port 1: nothing listens there.

  await using viewer = await TestViewer.porthole(node.origin, ticket);
  const { reason } = await failedHandshake(viewer);

  const ending = { kind: "failed", code: "upstream_connection_refused", reference: sessionId };
  assert.deepEqual(viewer.texts.at(-1), { type: "ending", ending, reopen: `reopen-${sessionId}` });
  assert.match(reason ?? "", /nothing listens on the machine's console port/);
});

interface Failure {
  readonly what: string;
  readonly code: ErrorCode;
  readonly serve: (caller: Caller) => void;
  readonly detail?: string;
}

const version = (text: string) => fromLatin1(text);
const FAILURES: readonly Failure[] = [
  {
    what: "speaks HTTP",
    code: "upstream_not_rfb",
    serve: ({ socket }) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"),
  },
  { what: "is silent", code: "upstream_timeout", serve: () => {} },
  {
    what: "falls silent in the middle",
    code: "upstream_timeout",
    serve: ({ socket }) => socket.write("RFB 003.008\n"),
  },
  { what: "closes at once", code: "upstream_closed", serve: ({ socket }) => socket.end() },
  { what: "resets", code: "upstream_lost", serve: resets },
  {
    what: "offers only unknown ways to sign in",
    code: "upstream_security_unsupported",
    serve: ({ socket }) => socket.write(Buffer.concat([version("RFB 003.008\n"), Uint8Array.of(2, 30, 35)])),
  },
  {
    what: "wants a password where none is on record",
    code: "upstream_password_missing",
    serve: ({ socket }) => socket.write(Buffer.concat([version("RFB 003.008\n"), Uint8Array.of(1, 2)])),
  },
  {
    what: "says no, with a reason full of control characters",
    code: "upstream_refused",
    serve: ({ socket }) =>
      socket.write(
        Buffer.concat([
          version("RFB 003.008\n"),
          Uint8Array.of(0, 0, 0, 0, 9),
          Buffer.from("no\n\u0007more!!"),
        ]),
      ),
    detail: "no more!",
  },
  {
    what: "announces a reason of 4 GB",
    code: "upstream_refused",
    serve: ({ socket }) => {
      socket.write(Buffer.concat([version("RFB 003.008\n"), Uint8Array.of(0, 255, 255, 255, 255)]));
      socket.end("x".repeat(100_000));
    },
  },
];

for (const { what, code, serve, detail } of FAILURES) {
  test(`a machine that ${what} fails with ${code}, said in RFB and in the close code`, async () => {
    await using machine = await startUpstream(serve);
    const under = code === "upstream_timeout" ? impatient : node;
    const { ticket, sessionId } = await under.control.issue({ upstream: machine.upstream });

    await using viewer = await TestViewer.bare(under.origin, ticket);
    const { reason = "" } = await failedHandshake(viewer);

    assert.ok(reason.startsWith(ERRORS[code].meaning), reason);
    assert.ok(reason.includes(ERRORS[code].remedy) && reason.includes(sessionId), reason);
    if (detail !== undefined) assert.ok(reason.includes(`(${detail}`), reason);
    assert.deepEqual(await viewer.untilClosed(), { code: ERRORS[code].close, reason: code });
    const { ending } = await untilReported(sessionId, code, under);
    assert.equal(ending?.kind, "failed");
    await untilHungUp(await machine.caller());
  });
}

test("an address that the operator does not allow is not dialled, and nobody is told which it was", async () => {
  await using machine = await startRfbUpstream();
  await using strict = await startTestNode({ settings: { upstreamAllow: "10.0.0.0/8" } });
  const { ticket } = await strict.control.issue({ upstream: machine.upstream });

  await using viewer = await TestViewer.bare(strict.origin, ticket);
  const { reason = "" } = await failedHandshake(viewer);

  assert.ok(reason.startsWith(ERRORS.upstream_not_allowed.meaning), reason);
  assert.doesNotMatch(reason, /127\.0\.0\.1/);
  assert.deepEqual(await viewer.untilClosed(), { code: 4430, reason: "upstream_not_allowed" });
  assert.equal(machine.callers.length, 0);
});

test("neither the node's own ports nor control's are dialled, though their network is allowed", async () => {
  await using wide = await startTestNode({
    prepare: (control) => {
      control.settings = { ...control.settings, controlPorts: [Number(new URL(control.url).port)] };
    },
    flags: { "admin-listen": "127.0.0.1:0" },
  });
  const ours = [wide.origin, wide.proxy.admin, wide.control.url].map((url = "") => Number(new URL(url).port));

  for (const own of ours) {
    const { ticket } = await wide.control.issue({
      upstream: { address: { kind: "tcp", host: "127.0.0.3", port: own } },
    });
    await using viewer = await TestViewer.bare(wide.origin, ticket);
    const { reason = "" } = await failedHandshake(viewer);

    assert.ok(reason.startsWith(ERRORS.upstream_is_porthole.meaning), reason);
  }
});

test("a machine on a UNIX socket is reached where its path is allowed", async () => {
  const path = join(node.folder, "vnc.sock");
  await using machine = await startRfbUpstream(({ socket }) => socket.write("screen"), { path });
  const { ticket } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(node.origin, ticket);

  await viewer.handshake();

  await eventually(() => assert.equal(viewer.bytes.toString(), "screen"));
});

test("a viewer that never says its version is too late, and the machine is let go", async () => {
  await using machine = await startRfbUpstream();
  const { ticket, sessionId } = await impatient.control.issue({ upstream: machine.upstream });

  await using viewer = await TestViewer.bare(impatient.origin, ticket);

  assert.deepEqual(await viewer.untilClosed(), { code: 4452, reason: "viewer_timeout" });
  await untilHungUp(await machine.caller());
  await untilReported(sessionId, "viewer_timeout", impatient);
});

test("a viewer that does not speak RFB is told so by the close code", async () => {
  await using machine = await startRfbUpstream();
  const { ticket } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(node.origin, ticket);

  viewer.send(Buffer.from("GET / HTTP/1.1\r\n\r\n"));

  assert.deepEqual(await viewer.untilClosed(), { code: 4453, reason: "viewer_protocol_error" });
  await untilHungUp(await machine.caller());
});

test("a viewer that sends its whole handshake and its first keys at once loses none of them", async () => {
  await using machine = await startRfbUpstream();
  const { ticket } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(node.origin, ticket);

  viewer.send(Buffer.concat([version("RFB 003.008\n"), Uint8Array.of(1, 1), KEY_A, KEY_A]));

  const caller = await machine.caller();
  await eventually(() => assert.deepEqual(saidBy(caller), Buffer.concat([KEY_A, KEY_A])));
});

test("a machine's name is shown in one line of bounded length", async () => {
  await using machine = await startRfbUpstream();
  const machineName = `evil\u0000\n<b>\u202e${"x".repeat(1_000)}`;
  const { ticket } = await node.control.issue({ upstream: machine.upstream, machineName });
  await using viewer = await TestViewer.bare(node.origin, ticket);

  const { name } = await viewer.handshake();

  assert.match(name, /^evil <b> x{290,300}…$/);
});

function resets({ socket }: Caller): void {
  socket.write("RFB 003.008\n", () => socket.resetAndDestroy());
}

function saidBy(caller: Caller): Buffer {
  return Buffer.concat(caller.said);
}

/** What an RFB viewer is told instead of being let in. */
async function failedHandshake(viewer: TestViewer): Promise<HandshakeError> {
  const error: unknown = await viewer.handshake().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof HandshakeError, String(error));
  await viewer.untilClosed();
  return error;
}

async function untilHungUp({ socket }: Caller): Promise<void> {
  socket.resume();
  await eventually(() => assert.ok(socket.readableEnded || socket.destroyed));
}

async function untilReported(sessionId: string, code: ErrorCode, under = node) {
  return await eventually(() => {
    const report = under.control.endingOf(sessionId);
    assert.equal(report?.ending?.code, code);
    assert.ok(report !== undefined);
    return report;
  });
}
