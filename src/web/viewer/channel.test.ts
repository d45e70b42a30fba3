import assert from "node:assert/strict";
import { test } from "node:test";
import type { NodeMessage } from "#wire/viewer.ts";
import { ConsoleChannel, type Socket } from "./channel.ts";

/** A WebSocket that a test speaks through. */
class FakeSocket extends EventTarget {
  binaryType: BinaryType = "blob";
  protocol = "porthole.v1";
  readyState: number = WebSocket.OPEN;
  bufferedAmount = 0;
  readonly sent: unknown[] = [];
  closedWith: number | undefined;

  send(data: unknown): void {
    this.sent.push(data);
  }

  close(code?: number): void {
    this.closedWith = code;
  }

  receive(data: unknown): void {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
}

function open(): {
  readonly socket: FakeSocket;
  readonly channel: ConsoleChannel;
  readonly told: NodeMessage[];
  readonly events: (string | number)[];
} {
  const socket = new FakeSocket();
  const told: NodeMessage[] = [];
  const events: (string | number)[] = [];
  const channel = new ConsoleChannel(socket as unknown as Socket, {
    opened: () => events.push("opened"),
    told: (message) => told.push(message),
    delivered: (bytes) => events.push(bytes),
    failed: (cause) => events.push(String(cause)),
    closed: (code) => events.push("closed", code),
  });
  return { socket, channel, told, events };
}

const bytes = (...values: number[]) => Uint8Array.of(...values).buffer;

test("it has every property that noVNC looks for, on itself or its prototype", () => {
  const { channel } = open();
  const names = [...Object.keys(channel), ...Object.getOwnPropertyNames(Object.getPrototypeOf(channel))];

  for (const name of [
    "send",
    "close",
    "binaryType",
    "onerror",
    "onmessage",
    "onopen",
    "protocol",
    "readyState",
  ])
    assert.ok(names.includes(name), name);
});

test("binary frames reach the screen in order, those before it was there first", async () => {
  const { socket, channel, events } = open();
  const read: number[] = [];
  socket.receive(bytes(1));
  socket.receive(bytes(2, 3));

  channel.onmessage = ({ data }) => read.push(...new Uint8Array(data));
  assert.deepEqual(read, [], "not while the screen is still being made");
  await Promise.resolve();
  socket.receive(bytes(4));

  assert.deepEqual(read, [1, 2, 3, 4]);
  assert.deepEqual(events, [1, 2, 1]);
});

test("text frames are the node's messages and never reach the screen", async () => {
  const { socket, channel, told } = open();
  channel.onmessage = () => assert.fail("a message is not console bytes");

  socket.receive('{"type":"progress","stage":"dialling"}');
  socket.receive('{"type":"from-the-future"}');
  socket.receive("not JSON");

  assert.deepEqual(told, [{ type: "progress", stage: "dialling" }]);
});

test("what the screen says goes out as binary, what the viewer says as text", () => {
  const { socket, channel } = open();

  channel.send(Uint8Array.of(7));
  channel.tell({ type: "ping", id: 3 });

  assert.deepEqual(socket.sent, [Uint8Array.of(7), '{"type":"ping","id":3}']);
});

test("on a socket that is no longer open nothing is sent", () => {
  const { socket, channel } = open();
  socket.readyState = WebSocket.CLOSING;

  channel.send(Uint8Array.of(7));
  channel.tell({ type: "ack", bytes: 1 });

  assert.deepEqual(socket.sent, []);
});

test("bytes on which the screen throws are reported, and do not count as delivered", async () => {
  const { socket, channel, events } = open();
  channel.onmessage = () => {
    throw new Error("no such encoding");
  };
  await Promise.resolve();

  socket.receive(bytes(1));

  assert.deepEqual(events, ["Error: no such encoding"]);
});

test("the end is told to the viewer before the screen, which then takes its picture away", () => {
  const { socket, channel, events } = open();
  channel.onclose = () => events.push("screen");

  socket.dispatchEvent(new CloseEvent("close", { code: 1006 }));

  assert.deepEqual(events, ["closed", 1006, "screen"]);
});

test("a screen that wants no more does not cut the node short", () => {
  const { socket, channel } = open();

  channel.close();

  assert.equal(socket.closedWith, undefined);
});

test("hanging up says that nothing is wrong", () => {
  const { socket, channel } = open();

  channel.hangUp();

  assert.equal(socket.closedWith, 1000);
});

test("what is said among the bytes reaches the surface in its place, also where it was not there yet", async () => {
  const { socket, channel, told } = open();
  const seen: unknown[] = [];
  const size = { type: "size", columns: 80, rows: 24 };
  const restored = { type: "restored", bytes: 2, because: "attached" };
  socket.receive(JSON.stringify(size));
  socket.receive(JSON.stringify(restored));
  socket.receive(bytes(1, 2));

  channel.ontold = (message) => seen.push(message);
  channel.onmessage = ({ data }) => seen.push([...new Uint8Array(data)]);
  await Promise.resolve();
  socket.receive(JSON.stringify({ type: "line", you: 1, viewers: [] }));
  socket.receive(bytes(3));

  assert.deepEqual(seen, [size, restored, [1, 2], { type: "line", you: 1, viewers: [] }, [3]]);
  assert.deepEqual(told, []);
});
