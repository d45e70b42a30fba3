import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { VIEW_ONLY } from "#wire/rights.ts";
import { type SerialViewerMessage, serialLimits } from "#wire/serial.ts";
import type { NodeMessage } from "#wire/viewer.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { keepWhatIsSaid, saidTo, startSerialLine, steady } from "../../../test/harness/serial-line.ts";
import { startTestNode, type TestNode } from "../../../test/harness/test-node.ts";
import { TestViewer } from "../../../test/harness/test-viewer.ts";

let node: TestNode;
before(async () => {
  node = await startTestNode();
});
after(async () => await node[Symbol.asyncDispose]());

test("a line's bytes pass in both directions, as they are", async () => {
  await using line = await startSerialLine(node);
  await using viewer = await line.open();
  const caller = await line.caller();

  caller.socket.write("login: ");
  await eventually(() => assert.equal(text(viewer), "login: "));
  viewer.send(Buffer.from("root\r"));

  await eventually(() => assert.equal(saidTo(caller), "root\r"));
  const attached = told(viewer, "attached");
  assert.equal(attached?.protocol, "serial");
  assert.deepEqual(attached?.serial, { takesBreak: false, takesSize: false });
});

for (const protocols of [["binary"], []])
  test(`who speaks ${protocols[0] ?? "no sub-protocol"} types in binary and in text frames`, async () => {
    await using line = await startSerialLine(node);
    await using viewer = await line.openBare(protocols);
    const caller = await line.caller();

    viewer.webSocket.send("ä");
    viewer.send(Uint8Array.of(255, 3));
    caller.socket.write("# ");

    await eventually(() => assert.equal(saidTo(caller), `${Buffer.from("ä").toString("latin1")}\xff\x03`));
    await eventually(() => assert.equal(text(viewer), "# "));
  });

test("who has no words for who writes does once nobody else does, and not before", async () => {
  await using line = await startSerialLine(node);
  await using writer = await line.open();
  const caller = await line.caller();
  await using bare = await line.openBare(["binary"]);
  await eventually(() => assert.equal(told(writer, "line")?.viewers.length, 2));

  bare.send(Buffer.from("too early"));
  // What he sent is there by the time that he is answered.
  bare.webSocket.ping();
  await once(bare.webSocket, "pong");
  say(writer, { type: "hand-over" });
  await eventually(() => assert.equal(told(writer, "line")?.writer, undefined));
  bare.send(Buffer.from("now"));

  await eventually(() => assert.equal(saidTo(caller), "now"));
  assert.equal(told(writer, "line")?.writer, 2);
});

test("who may only look types nothing, in whatever dialect", async () => {
  await using line = await startSerialLine(node);
  await using viewer = await line.open({ rights: VIEW_ONLY });
  await using bare = await line.openBare(["binary"], { rights: VIEW_ONLY });
  const caller = await line.caller();

  viewer.send(Buffer.from("rm -rf /\r"));
  bare.webSocket.send("rm -rf /\r");
  say(viewer, { type: "ask" });
  await eventually(() => assert.equal(told(viewer, "answered")?.answer, "forbidden"));
  await using writer = await line.open();
  writer.send(Buffer.from("ls\r"));

  await eventually(() => assert.equal(saidTo(caller), "ls\r"));
});

test("two viewers share one connection: both see what it says, and one of them writes", async () => {
  await using line = await startSerialLine(node);
  await using first = await line.open({ account: "ute" });
  const caller = await line.caller();
  await using second = await line.open({ account: "max" });
  await eventually(() => assert.equal(told(first, "line")?.viewers.length, 2));

  caller.socket.write("hello");
  await eventually(() => assert.deepEqual([text(first), text(second)], ["hello", "hello"]));
  second.send(Buffer.from("second"));
  say(second, { type: "ask" });
  await eventually(() => assert.equal(told(first, "asked")?.viewer, 2));
  first.send(Buffer.from("first"));
  await eventually(() => assert.equal(saidTo(caller), "first"));
  say(first, { type: "hand-over", to: 2 });
  await eventually(() => assert.equal(told(second, "answered")?.answer, "given"));
  second.send(Buffer.from(" second"));

  await eventually(() => assert.equal(saidTo(caller), "first second"));
  assert.equal(line.upstream.callers.length, 1);
  const names = told(first, "line")?.viewers.map(({ name }) => name);
  assert.deepEqual(names, ["ute", "max"]);
});

test("who comes later, and who comes again, sees the screen as it is", async () => {
  await using line = await startSerialLine(node);
  await using first = await line.open();
  const caller = await line.caller();
  caller.socket.write("\x1b[31mroot\x1b[0m@web-1 # \x1b]0;title");
  await eventually(() => assert.ok(text(first).endsWith("title")));

  await using later = await line.open();
  await eventually(() => assert.match(text(later), /root.*@web-1 # /s));
  assert.ok(text(later).endsWith("\x1b]0;title"));
  await using bare = await line.openBare(["binary"]);
  await eventually(() => assert.match(text(bare), /root.*@web-1 # /s));
  const restored = told(later, "restored");
  assert.equal(restored?.because, "attached");
  assert.equal(restored?.bytes, later.received);
  const order = later.texts.map(({ type }) => type).filter((type) => type === "size" || type === "restored");
  assert.deepEqual(order.slice(0, 2), ["size", "restored"]);
  for (const viewer of [first, later, bare]) await viewer[Symbol.asyncDispose]();

  await using again = await line.open();
  await eventually(() => assert.match(text(again), /root.*@web-1 # /s));
  assert.equal(line.upstream.callers.length, 1);
});

test("nobody answers what a guest asks of its terminal but a viewer", async () => {
  await using line = await startSerialLine(node);
  await using viewer = await line.open();
  const caller = await line.caller();

  caller.socket.write("\x1b[6n\x1b[c\x1b[?6n\x1bZ\x05x");
  await eventually(() => assert.ok(text(viewer).endsWith("x")));
  await using later = await line.open();
  await eventually(() => assert.ok(told(later, "restored") !== undefined));
  viewer.send(Buffer.from("!"));

  await eventually(() => assert.equal(saidTo(caller), "!"));
});

test("a machine that ends the line ends the sessions of all, with the reason", async () => {
  await using line = await startSerialLine(node);
  await using first = await line.open();
  await using second = await line.open();
  const caller = await line.caller();
  await eventually(() => assert.equal(told(second, "line")?.viewers.length, 2));

  caller.socket.end("bye");

  for (const viewer of [first, second]) {
    assert.deepEqual(await viewer.untilClosed(), { code: 4440, reason: "upstream_closed" });
    assert.ok(text(viewer).endsWith("bye"));
  }
  await using another = await line.open();
  await eventually(() => assert.equal(line.upstream.callers.length, 2));
  line.upstream.callers[1]?.socket.resetAndDestroy();
  assert.equal((await another.untilClosed()).reason, "upstream_lost");
});

test("a line that nobody listens on is refused, and who waits for it is told the step", async () => {
  const { ticket, sessionId } = await node.control.issue({ protocol: "serial" });
  await using viewer = await TestViewer.porthole(node.origin, ticket);

  assert.equal((await viewer.untilClosed()).reason, "upstream_connection_refused");
  await eventually(() => assert.equal(node.control.endingOf(sessionId)?.step, "connect"));
});

test("the seventeenth viewer is refused, and the others stay", async () => {
  await using line = await startSerialLine(node);
  await using opened = new AsyncDisposableStack();
  for (let count = 0; count < serialLimits.viewers; count += 1) opened.use(await line.open());
  await using last = await line.open();

  assert.equal((await last.untilClosed()).reason, "line_full");
  await using bare = await line.openBare(["binary"]);
  assert.equal((await bare.untilClosed()).reason, "line_full");
});

test("telnet is answered and stripped, breaks and sizes reach it, and watchers learn the size", async () => {
  await using line = await startSerialLine(node, { telnet: true });
  await using viewer = await line.open();
  const caller = await line.caller();
  caller.socket.write(Uint8Array.of(255, 251, 1, 255, 253, 0, 255, 253, 31, 0x24));
  await eventually(() => assert.equal(text(viewer), "$"));
  assert.deepEqual(told(viewer, "attached")?.serial, { takesBreak: true, takesSize: true });
  await using watcher = await line.open();
  await eventually(() => assert.equal(told(watcher, "line")?.viewers.length, 2));
  // DO ECHO, WILL NAWS, WILL BINARY.
  await eventually(() => assert.equal(Buffer.concat(caller.said).length, 9));
  caller.said.length = 0;

  say(watcher, { type: "break" });
  say(watcher, { type: "size", columns: 20, rows: 5 });
  watcher.send(Uint8Array.of(1));
  say(viewer, { type: "size", columns: 132, rows: 43 });
  say(viewer, { type: "break" });
  viewer.send(Uint8Array.of(255));

  const size = [255, 250, 31, 0, 132, 0, 43, 255, 240];
  await eventually(() => assert.deepEqual([...Buffer.concat(caller.said)], [...size, 255, 243, 255, 255]));
  assert.deepEqual(told(watcher, "size"), { type: "size", columns: 132, rows: 43 });
});

test("no more than a window is on the way to who writes, and the machine waits", async () => {
  let sent = 0;
  await using line = await startSerialLine(node, {
    serve: (caller) => {
      keepWhatIsSaid(caller);
      const { socket } = caller;
      const flood = () => {
        do sent += 16 * 1024;
        while (socket.write(Buffer.alloc(16 * 1024, "flood\r\n")) && sent < 64 * 1024 * 1024);
      };
      socket.on("drain", flood);
      flood();
    },
  });
  await using viewer = await line.open();
  await using watcher = await line.open();
  viewer.keepsBytes = false;

  const first = await steady(() => viewer.received);

  assert.ok(first >= serialLimits.unacknowledgedBytes);
  assert.ok(first <= serialLimits.unacknowledgedBytes + 32 * 1024, `${first}`);
  ack(viewer);
  await eventually(() => assert.ok(viewer.received > first + 256 * 1024));
  assert.ok(watcher.received <= 2 * serialLimits.unacknowledgedBytes, `${watcher.received}`);
});

test("who cannot keep up is not waited for, and is shown later where the line is", async () => {
  await using line = await startSerialLine(node);
  await using writer = await line.open();
  const caller = await line.caller();
  await using slow = await line.open();
  await eventually(() => assert.equal(told(writer, "line")?.viewers.length, 2));
  writer.webSocket.on("message", (_data, isBinary) => isBinary && ack(writer));

  const flood = Buffer.from("some output\r\n".repeat(400_000));
  caller.socket.write(flood);
  await eventually(() => assert.equal(writer.received, flood.length));
  caller.socket.write("prompt # ");
  await eventually(() => assert.ok(text(writer).endsWith("prompt # ")));
  assert.ok(slow.received < flood.length / 2, `${slow.received}`);
  ack(slow);

  await eventually(() => assert.ok(text(slow).endsWith("prompt # ")));
  assert.equal(told(slow, "restored")?.because, "behind");
});

test("who has fallen behind when a line ends is shown its last words, and then that it ended", async () => {
  await using line = await startSerialLine(node);
  await using writer = await line.open();
  const caller = await line.caller();
  await using slow = await line.open();
  await eventually(() => assert.equal(told(writer, "line")?.viewers.length, 2));
  writer.webSocket.on("message", (_data, isBinary) => isBinary && ack(writer));
  caller.socket.write("some output\r\n".repeat(400_000));

  caller.socket.end("reboot: Power down");
  assert.deepEqual(await writer.untilClosed(), { code: 4440, reason: "upstream_closed" });
  assert.equal(slow.closed, undefined, "it is waited for");
  assert.ok(!text(slow).includes("Power down"));
  ack(slow);

  assert.deepEqual(await slow.untilClosed(), { code: 4440, reason: "upstream_closed" });
  assert.ok(text(slow).endsWith("reboot: Power down"), text(slow).slice(-200));
  assert.equal(told(slow, "restored")?.because, "behind");
});

test("who has fallen behind and takes nothing is waited for so long and no longer, and the machine's line is free meanwhile", async () => {
  await using line = await startSerialLine(node);
  await using writer = await line.open();
  const caller = await line.caller();
  await using slow = await line.open();
  await eventually(() => assert.equal(told(writer, "line")?.viewers.length, 2));
  writer.webSocket.on("message", (_data, isBinary) => isBinary && ack(writer));
  caller.socket.write("some output\r\n".repeat(400_000));

  caller.socket.end("bye");
  await writer.untilClosed();
  await using next = await line.open();
  await eventually(() => assert.equal(line.upstream.callers.length, 2));
  line.upstream.callers[1]?.socket.write("login: ");

  await eventually(() => assert.equal(text(next), "login: "));
  assert.deepEqual(await slow.untilClosed(), { code: 4440, reason: "upstream_closed" });
});

test("a writer who takes nothing is not waited for by those who do", async () => {
  await using line = await startSerialLine(node);
  await using writer = await line.open();
  const caller = await line.caller();
  await using watcher = await line.open();
  await eventually(() => assert.equal(told(writer, "line")?.viewers.length, 2));
  watcher.webSocket.on("message", (_data, isBinary) => isBinary && ack(watcher));

  const flood = Buffer.from("some output\r\n".repeat(200_000));
  caller.socket.write(flood);
  caller.socket.write("prompt # ");

  await eventually(() => assert.ok(text(watcher).endsWith("prompt # ")));
  assert.ok(writer.received < flood.length / 2);
});

test("a viewer who says the same again and again makes the others hear little of it", async () => {
  await using line = await startSerialLine(node);
  await using writer = await line.open();
  await line.caller();
  await using watcher = await line.open();
  await eventually(() => assert.equal(told(writer, "line")?.viewers.length, 2));
  const asked = () => writer.texts.filter(({ type }) => type === "asked").length;
  const sized = () => watcher.texts.filter(({ type }) => type === "size").length;

  for (let count = 0; count < 2_000; count += 1) {
    say(watcher, { type: "ask" });
    say(watcher, { type: "withdraw" });
    say(writer, { type: "size", columns: 100 + (count % 2), rows: 30 });
  }
  say(writer, { type: "size", columns: 77, rows: 33 });

  await eventually(() => assert.deepEqual(told(watcher, "size"), { type: "size", columns: 77, rows: 33 }));
  assert.ok(asked() > 10 && asked() < 1_000, `${asked()} words`);
  assert.ok(sized() < 1_000, `${sized()} sizes`);
});

function text(viewer: TestViewer): string {
  return viewer.bytes.toString("latin1");
}

/** The last message of a type. */
function told<Type extends NodeMessage["type"]>(viewer: TestViewer, type: Type) {
  return viewer.texts.findLast((message): message is NodeMessage & { type: Type } => message.type === type);
}

function say(viewer: TestViewer, message: SerialViewerMessage): void {
  viewer.webSocket.send(JSON.stringify(message));
}

function ack(viewer: TestViewer): void {
  viewer.webSocket.send(JSON.stringify({ type: "ack", bytes: viewer.received }));
}
