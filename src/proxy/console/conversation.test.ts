import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import type { Sequence } from "#base/sequence.ts";
import { inPieces, PIECE_SIZES } from "#protocols/pieces.ts";
import { Conversation } from "./conversation.ts";

const patient = { deadlineMs: 60_000, late: () => new Error("late") };

for (const size of PIECE_SIZES) {
  test(`two sequences and what follows are told apart in pieces of ${size}`, async () => {
    const { conversation } = start();

    const first = conversation.run(() => read(3), patient);
    for (const piece of inPieces(Uint8Array.of(1, 2, 3, 4, 5, 6, 7), size)) conversation.push(piece);

    assert.deepEqual([...(await first)], [1, 2, 3]);
    assert.deepEqual([...(await conversation.run(() => read(2), patient))], [4, 5]);
    assert.deepEqual([...concat(conversation.takeEarly())], [6, 7]);
    assert.deepEqual(conversation.takeEarly(), []);
  });
}

test("a speaker is paused when it says more than it was asked for, until it is asked again", async () => {
  const { conversation, calls } = start();

  const first = conversation.run(() => read(1), patient);
  conversation.push(Uint8Array.of(1));
  assert.deepEqual(calls, []);
  conversation.push(Uint8Array.of(2, 3));
  conversation.push(Uint8Array.of(4));
  assert.deepEqual(calls, ["pause"]);
  await first;

  assert.deepEqual([...(await conversation.run(() => read(2), patient))], [2, 3]);
  assert.deepEqual(calls, ["pause", "resume", "pause"]);
  assert.deepEqual([...concat(conversation.takeEarly())], [4]);
});

test("what a sequence throws ends the run with it", async () => {
  const { conversation } = start();

  const done = conversation.run(function* () {
    yield { bytes: 1 };
    throw new ProtocolError("not what was expected");
  }, patient);
  conversation.push(Uint8Array.of(1));

  await assert.rejects(done, ProtocolError);
});

test("a sequence that asks for more than any handshake has is cut off", async () => {
  const { conversation } = start();

  const done = conversation.run(() => read(1 << 30), patient);

  await assert.rejects(done, /field too long/);
});

test("a speaker that is too slow is late", async () => {
  const { conversation } = start();

  const done = conversation.run(() => read(1), { deadlineMs: 1, late: () => new Error("late") });

  await assert.rejects(done, /late/);
});

test("a speaker that is gone fails who listens now, and who would listen later", async () => {
  const { conversation } = start();
  const now = conversation.run(() => read(1), patient);

  conversation.fail(new Error("gone"));

  await assert.rejects(now, /gone/);
  await assert.rejects(
    conversation.run(() => read(1), patient),
    /gone/,
  );
});

test("a sequence that needs nothing is done at once", async () => {
  const { conversation } = start();

  assert.equal(await conversation.run(() => nothing(), patient), "done");
});

function start() {
  const calls: string[] = [];
  const speaker = { pause: () => calls.push("pause"), resume: () => calls.push("resume") };
  return { conversation: new Conversation(speaker), calls };
}

function* read(bytes: number): Sequence<Uint8Array> {
  return yield { bytes };
}

// biome-ignore lint/correctness/useYield: this one has no needs.
function* nothing(): Sequence<string> {
  return "done";
}
