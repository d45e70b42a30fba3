import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { concat } from "#base/bytes.ts";
import { ConsoleReader, encodeEnd, encodeTyped } from "#protocols/libvirt/console-stream.ts";
import { encodeKeepalive } from "#protocols/libvirt/keepalive.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { LibvirtStream } from "./libvirt-stream.ts";

const LINE = { serial: 4, early: new Uint8Array(0), keepsAlive: false };

test("a line that nobody listens to is not read on, so that libvirt keeps what is to come", async () => {
  await using pair = await startPair();
  const stream = new LibvirtStream(pair.near, { ...LINE, early: Uint8Array.of(1) });
  const piece = encodeTyped(4, new Uint8Array(64 * 1024));
  let sent = 0;
  // Until both ends' sockets are full, which hold some megabytes at most.
  await eventually(() => {
    while (pair.far.write(piece)) sent += 1;
    assert.ok(pair.near.isPaused() && pair.far.writableLength > 16 * piece.length);
  });

  assert.ok(stream.readableLength < 1024 * 1024, `${stream.readableLength} bytes are held`);
  let heard = 0;
  stream.on("data", (chunk: Buffer) => {
    heard += chunk.length;
  });
  stream.resume();
  await eventually(() => {
    assert.equal(pair.far.writableLength, 0);
    assert.ok(heard > sent * 64 * 1024);
  });
  stream.destroy();
});

test("what is typed goes in pieces that libvirt can hold, and waits where it takes none", async () => {
  await using pair = await startPair();
  const stream = new LibvirtStream(pair.near, LINE);
  const typed = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251));

  stream.write(typed);

  const events = new ConsoleReader(4);
  const pieces: Uint8Array[] = [];
  pair.far.on("data", (chunk: Buffer) => {
    for (const event of events.push(chunk)) if (event.kind === "said") pieces.push(event.bytes);
  });
  await eventually(() => assert.equal(concat(pieces).length, typed.length));
  assert.deepEqual(Buffer.from(concat(pieces)), typed);
  assert.ok(pieces.every(({ length }) => length <= 16 * 1024));
  pair.far.pause();
  const chunk = Buffer.alloc(1024 * 1024);
  await eventually(() => {
    if (stream.writableLength < 4 * chunk.length) stream.write(chunk);
    assert.ok(stream.writableNeedDrain && pair.near.writableLength > 0);
  });
  stream.destroy();
});

test("what came before libvirt's answer is heard first, and a line is given back behind what was typed last", async () => {
  await using pair = await startPair();
  const stream = new LibvirtStream(pair.near, { ...LINE, early: Uint8Array.of(1, 2) });
  pair.far.write(encodeTyped(4, Uint8Array.of(3)));
  await eventually(() => assert.equal(stream.readableLength, 3));
  assert.deepEqual(stream.read(), Buffer.of(1, 2, 3));

  stream.write(Uint8Array.of(4));
  stream.destroySoon();

  const heard = await buffer(pair.far);
  assert.deepEqual(
    [...new ConsoleReader(4).push(new Uint8Array(heard))],
    [{ kind: "said", bytes: Uint8Array.of(4) }, { kind: "ended" }],
  );
  await eventually(() => assert.ok(stream.destroyed && pair.near.destroyed));
});

test("libvirt is answered that we are there, but not without end where it reads nothing", async () => {
  await using pair = await startPair();
  const stream = new LibvirtStream(pair.near, LINE).resume();
  const ping = encodeKeepalive("ping");
  pair.far.write(ping);
  const [answer] = await once(pair.far, "data");

  assert.deepEqual(new Uint8Array(answer), new Uint8Array(encodeKeepalive("pong")));
  pair.far.pause();
  const flood = concat(Array.from({ length: 10_000 }, () => ping));
  for (let round = 0; round < 100; round++) {
    if (!pair.far.write(flood)) await once(pair.far, "drain");
  }
  assert.ok(pair.near.writableLength < 256 * 1024, `${pair.near.writableLength} bytes wait`);
  stream.destroy();
});

test("a libvirt that says nothing any more is asked, and given up", async () => {
  await using pair = await startPair();
  const stream = new LibvirtStream(
    pair.near,
    { ...LINE, keepsAlive: true },
    { keepaliveMs: 20, silentMs: 200 },
  ).resume();
  const [asked] = await once(pair.far, "data");
  const ping = new Uint8Array(encodeKeepalive("ping"));

  assert.deepEqual(new Uint8Array(asked).subarray(0, ping.length), ping);
  const [error] = await once(stream, "error");
  assert.equal(error.code, "upstream_lost");
  assert.match(error.detail, /does not answer/);
  assert.ok(pair.near.destroyed);
});

test("a libvirt that is not listened to is told unasked that we are there", async () => {
  await using pair = await startPair();
  const stream = new LibvirtStream(pair.near, { ...LINE, keepsAlive: true }, { keepaliveMs: 1 });
  const pong = Buffer.from(encodeKeepalive("pong"));
  await eventually(() => {
    pair.far.write(encodeTyped(4, new Uint8Array(64 * 1024)));
    assert.ok(pair.near.isPaused());
  });

  let told = Buffer.alloc(0);
  pair.far.on("data", (chunk: Buffer) => {
    told = Buffer.concat([told, chunk]);
  });
  // It was asked before there was something to hear; from then on nothing is, as its answers would pile up on the way.
  const pongs = Buffer.concat(Array.from({ length: 10 }, () => pong));
  await eventually(() => assert.deepEqual(told.subarray(-pongs.length), pongs));
  stream.destroy();
});

test("a libvirt that is not listened to is not given up for what it cannot be heard to say", async () => {
  await using pair = await startPair();
  await using silent = await startPair();
  const impatience = { keepaliveMs: 20, silentMs: 200 };
  const kept = new LibvirtStream(pair.near, { ...LINE, keepsAlive: true }, impatience);
  await eventually(() => {
    pair.far.write(encodeTyped(4, new Uint8Array(64 * 1024)));
    assert.ok(pair.near.isPaused());
  });

  // Which begins later, and is given up.
  const other = new LibvirtStream(silent.near, { ...LINE, keepsAlive: true }, impatience).resume();
  await once(other, "error");

  assert.equal(kept.destroyed, false);
  kept.destroy();
});

test("what a machine has said before its line's end is heard, whatever becomes of the connection behind that", async () => {
  await using pair = await startPair();
  const stream = new LibvirtStream(pair.near, LINE);
  const said = new Uint8Array(1024).fill(7);
  pair.far.write(concat([encodeTyped(4, said), encodeEnd(4), encodeTyped(4, said)]));
  await eventually(() => assert.ok(stream.readableLength > 0));

  pair.far.resetAndDestroy();

  await eventually(() => assert.ok(pair.near.destroyed));
  assert.deepEqual(new Uint8Array(await buffer(stream)), said);
});

test("what is no packet of a line's ends it", async () => {
  await using pair = await startPair();
  const stream = new LibvirtStream(pair.near, LINE).resume();

  pair.far.write(encodeTyped(5, Uint8Array.of(1)));

  const [error] = await once(stream, "error");
  assert.equal(error.code, "upstream_protocol_error");
});

/** Two ends of a connection. */
async function startPair() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const near = connect(address.port, "127.0.0.1").pause();
  const [far]: Socket[] = await once(server, "connection");
  assert.ok(far !== undefined);
  far.on("error", () => {});
  await eventually(() => assert.ok(!near.connecting));
  return {
    near,
    far,
    [Symbol.asyncDispose]: async () => {
      near.destroy();
      far.destroy();
      server.close();
    },
  };
}
