import assert from "node:assert/strict";
import { test } from "node:test";
import { cleanText, PACES, pasteLimits, piecesOf, sendPieces } from "./paste.ts";

function options(signal = new AbortController().signal) {
  const sent: string[] = [];
  const waited: number[] = [];
  const progress: number[] = [];
  return {
    sent,
    waited,
    progress,
    pace: "normal" as const,
    bracketed: false,
    send: (text: string) => void sent.push(text),
    wait: async (ms: number) => void waited.push(ms),
    onProgress: (count: number) => void progress.push(count),
    signal,
  };
}

test("line ends of every system become what Enter sends", () => {
  assert.deepEqual(cleanText("a\nb\r\nc\rd"), { text: "a\rb\rc\rd", lines: 4, dropped: 0 });
  assert.equal(cleanText("one\n").lines, 1);
  assert.equal(cleanText("").lines, 0);
});

test("control characters are left out, so that no pasted text ends its bracket or presses a key", () => {
  const { text, dropped } = cleanText("ls\x1b[201~\x03\x9brm -rf /\x7f\ttab");

  assert.equal(text, "ls[201~rm -rf /\ttab");
  assert.equal(dropped, 4);
});

test("a piece holds at most one line, and no character is cut in two", () => {
  assert.deepEqual(piecesOf("ab\rc", "normal"), ["ab\r", "c"]);
  assert.deepEqual(piecesOf("a🚢b", "slow"), ["a", "🚢", "b"]);
  for (const piece of piecesOf("x".repeat(1000), "normal"))
    assert.ok(piece.length <= PACES.normal.characters);
});

test("pieces are paced, and lines get longer than pieces", async () => {
  const parts = options();

  const sent = await sendPieces("ab\rc", parts);

  assert.equal(sent, 4);
  assert.deepEqual(parts.sent, ["ab\r", "c"]);
  assert.deepEqual(parts.waited, [PACES.normal.lineMs, PACES.normal.pieceMs]);
  assert.deepEqual(parts.progress, [3, 4]);
});

test("a bracketed text goes out between its brackets, as one that needs no time for its lines", async () => {
  const parts = { ...options(), bracketed: true };

  await sendPieces("ab\rc", parts);

  assert.deepEqual(parts.sent, ["\x1b[200~", "ab\r", "c", "\x1b[201~"]);
  assert.deepEqual(parts.waited, [PACES.normal.pieceMs, PACES.normal.pieceMs]);
});

test("what is cancelled stops where it is, with its bracket closed", async () => {
  const cancelling = new AbortController();
  const parts = { ...options(cancelling.signal), bracketed: true };

  const sent = await sendPieces("a\rb\rc", {
    ...parts,
    onProgress: (count) => {
      if (count === 4) cancelling.abort();
    },
  });

  assert.equal(sent, 4);
  assert.deepEqual(parts.sent, ["\x1b[200~", "a\r", "b\r", "\x1b[201~"]);
});

test("the longest text that is taken is over within minutes at the normal pace", () => {
  const { characters, pieceMs } = PACES.normal;

  const ms = (pasteLimits.characters / characters) * pieceMs;

  assert.ok(ms <= 2 * 60_000, `${ms} ms`);
});
