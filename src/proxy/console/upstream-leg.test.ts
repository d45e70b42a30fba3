import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { eventually } from "../../../test/harness/eventually.ts";
import { HEADER_ROOM } from "./frame-header.ts";
import { UpstreamLeg } from "./upstream-leg.ts";

const MEBIBYTE = 1024 * 1024;

interface Pair extends AsyncDisposable {
  readonly leg: UpstreamLeg;
  readonly upstream: Socket;
}

async function connected(): Promise<Pair> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, "connection");
  const leg = await UpstreamLeg.open(async (onread) => {
    const socket = connect({ port, host: "127.0.0.1", onread });
    socket.pause();
    await once(socket, "connect");
    return socket;
  });
  const [upstream] = (await accepted) as [Socket];
  upstream.on("error", () => {});
  return {
    leg,
    upstream,
    async [Symbol.asyncDispose]() {
      leg.socket.destroy();
      upstream.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Keeps what it is given, as a socket does that is behind, and looks at all of it only in the end. */
class Keeper {
  readonly kept: Buffer[] = [];
  length = 0;

  readonly take = (memory: Buffer, length: number): boolean => {
    memory.fill(0xff, 0, HEADER_ROOM); // The room is the taker's.
    this.kept.push(memory.subarray(HEADER_ROOM, HEADER_ROOM + length));
    this.length += length;
    return false;
  };
}

/** Is done at once with what it is given. */
class Hasher {
  readonly #hash = createHash("sha256");
  readonly memories = new Set<ArrayBufferLike>();
  length = 0;
  longest = 0;

  readonly take = (memory: Buffer, length: number): boolean => {
    memory.fill(0xff, 0, HEADER_ROOM);
    this.#hash.update(memory.subarray(HEADER_ROOM, HEADER_ROOM + length));
    this.memories.add(memory.buffer);
    this.length += length;
    this.longest = Math.max(this.longest, length);
    return true;
  };

  digest(): string {
    return this.#hash.digest("hex");
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

test("what many upstreams say at once reaches their takers unaltered, kept or not, much or little", async () => {
  await using stack = new AsyncDisposableStack();
  const pairs: Pair[] = [];
  for (let count = 0; count < 6; count++) pairs.push(stack.use(await connected()));
  const said = pairs.map((_, index) => randomBytes(index < 4 ? 16 * MEBIBYTE : 4096));
  const takers = pairs.map((_, index) => (index % 2 === 0 ? new Keeper() : new Hasher()));

  for (const [index, { leg, upstream }] of pairs.entries()) {
    const taker = takers[index];
    const bytes = said[index];
    assert.ok(taker !== undefined && bytes !== undefined);
    leg.onBytes = taker.take;
    leg.socket.resume();
    if (index < 4) upstream.write(bytes);
    else for (let at = 0; at < bytes.length; at += 16) upstream.write(bytes.subarray(at, at + 16));
  }

  for (const [index, taker] of takers.entries()) {
    const bytes = said[index] ?? Buffer.alloc(0);
    await eventually(() => assert.equal(taker.length, bytes.length));
    const digest = taker instanceof Keeper ? sha256(Buffer.concat(taker.kept)) : taker.digest();
    assert.equal(digest, sha256(bytes), `upstream ${index}`);
  }
});

test("an upstream with much to say is read in large pieces, into memory that is used again", async () => {
  await using pair = await connected();
  const taker = new Hasher();
  pair.leg.onBytes = taker.take;
  pair.upstream.write(randomBytes(32 * MEBIBYTE));

  pair.leg.socket.resume();

  await eventually(() => assert.equal(taker.length, 32 * MEBIBYTE));
  assert.ok(taker.longest >= 128 * 1024, `the longest piece has ${taker.longest} bytes`);
  assert.ok(taker.memories.size < 64, `${taker.memories.size} memories were used`);
});

test("what an upstream says while nobody listens waits, and so does its end", async () => {
  await using pair = await connected();
  const taker = new Keeper();
  pair.upstream.end("said early");
  await once(pair.upstream, "finish");

  pair.leg.onBytes = taker.take;
  pair.leg.socket.resume();
  await once(pair.leg.socket, "end");

  assert.equal(Buffer.concat(taker.kept).toString(), "said early");
});

test("a taker can stop the upstream in the middle, and another one goes on", async () => {
  await using pair = await connected();
  const { leg, upstream } = pair;
  const first = new Keeper();
  const second = new Keeper();
  leg.onBytes = (memory, length) => {
    leg.socket.pause();
    return first.take(memory, length);
  };
  leg.socket.resume();
  upstream.write("one");
  await eventually(() => assert.equal(first.length, 3));
  upstream.write("two");

  leg.onBytes = second.take;
  leg.socket.resume();

  await eventually(() => assert.equal(Buffer.concat(second.kept).toString(), "two"));
  assert.equal(Buffer.concat(first.kept).toString(), "one");
});
