import assert from "node:assert/strict";
import { once } from "node:events";
import { duplexPair } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import { inPieces, PIECE_SIZES } from "#protocols/pieces.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { heldMemory } from "../../test/harness/held-memory.ts";
import { UpstreamLeg } from "./console/upstream-leg.ts";
import { Ra2Opening, Ra2Sealing } from "./ra2-messages.ts";
import { Ra2Stream } from "./ra2-stream.ts";

const KEYS = { sending: new Uint8Array(32).fill(1), receiving: new Uint8Array(32).fill(2) };
const WORDS = ["a", "few", "words"].map((word) => Buffer.from(word));

for (const size of PIECE_SIZES)
  test(`what a server seals is read in pieces of ${size}`, () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 5 }), (messages) => {
        const sealing = new Ra2Sealing(KEYS.receiving);
        const opening = new Ra2Opening(KEYS.receiving);
        const said = Buffer.concat(messages.map((message) => sealing.seal(message)));

        const heard = [...inPieces(said, size)].flatMap((piece) => [...opening.push(piece)]);

        assert.deepEqual(Buffer.concat(heard), Buffer.concat(messages));
      }),
    );
  });

test("both directions are carried, in messages no longer than servers take", async () => {
  const { stream, peer } = open();
  const opening = new Ra2Opening(KEYS.sending);
  const lengths: number[] = [];
  const heard: Buffer[] = [];
  peer.on("data", (chunk: Buffer) => {
    for (const plain of opening.push(chunk)) {
      lengths.push(plain.length);
      heard.push(plain);
    }
  });
  const said = Buffer.alloc(20_000, "said");

  stream.write(said);
  peer.write(Buffer.concat(sealed()));
  const [answer] = await once(stream.resume(), "data");

  await eventually(() => assert.deepEqual(Buffer.concat(heard), said));
  assert.deepEqual(lengths, [8192, 8192, 3616]);
  assert.equal(String(answer), "a");
  stream.destroy();
});

const CHANGES: Readonly<Record<string, (said: readonly [Buffer, Buffer, Buffer]) => readonly Buffer[]>> = {
  "is changed": ([a, b, c]) => [a, Buffer.from(b.map((byte, at) => (at === 3 ? byte ^ 1 : byte))), c],
  "has another tag": ([a, b, c]) => [
    a,
    Buffer.from(b.map((byte, at) => (at === b.length - 1 ? byte ^ 1 : byte))),
    c,
  ],
  "has another length": ([a, b, c]) => [a, Buffer.from(b.map((byte, at) => (at === 1 ? byte - 1 : byte))), c],
  "comes twice": ([a, b, c]) => [a, a, b, c],
  "comes too late": ([a, b, c]) => [a, c, b],
  "does not come": ([a, _, c]) => [a, c],
  "is one of ours, sent back": ([a]) => [a, new Ra2Sealing(KEYS.sending).seal(Buffer.from("ours"))],
};

for (const [title, change] of Object.entries(CHANGES))
  test(`a message that ${title} ends the console with the truth, and nothing behind it is read`, async () => {
    const { stream, peer } = open();
    const heard: Buffer[] = [];
    stream.on("data", (chunk) => void heard.push(chunk));
    const broken = once(stream, "error");

    peer.write(Buffer.concat(change(sealed())));

    const [error] = await broken;
    assert.ok(error instanceof GatewayError, String(error));
    assert.deepEqual(
      [error.code, error.detail],
      ["upstream_protocol_error", "a message was changed on its way"],
    );
    await eventually(() => assert.ok(peer.destroyed || peer.readableEnded || stream.closed));
    assert.ok(Buffer.concat(heard).length <= 1, "the first one at most");
  });

test("a console that says nothing more holds on to nothing of what was read", async () => {
  const before = heldMemory();
  const legs = Array.from({ length: 64 }, () => {
    const { stream, peer } = open();
    stream.resume();
    return { stream, peer, sealing: new Ra2Sealing(KEYS.receiving) };
  });
  const heard = legs.map(({ stream, peer, sealing }) => {
    let bytes = 0;
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    peer.write(sealing.seal(Buffer.alloc(256 * 1024)));
    return () => bytes;
  });

  await eventually(() => assert.ok(heard.every((bytes) => bytes() === 256 * 1024)));
  await eventually(() => assert.ok(heldMemory() - before < 4_000_000, `${heldMemory() - before}`));
  for (const { stream } of legs) stream.destroy();
});

function sealed(): [Buffer, Buffer, Buffer] {
  const sealing = new Ra2Sealing(KEYS.receiving);
  const [a, b, c] = WORDS.map((word) => sealing.seal(word));
  assert.ok(a !== undefined && b !== undefined && c !== undefined);
  return [a, b, c];
}

/** A stream of RA2 over a pipe, and its other end. */
function open() {
  const [socket, peer] = duplexPair();
  peer.on("error", () => {});
  const leg = UpstreamLeg.over(
    Object.assign(socket, { bytesWritten: 0, destroySoon: () => void socket.destroy() }).pause(),
  );
  const stream = new Ra2Stream(leg, { keys: KEYS, early: [] });
  return { stream, peer };
}
