import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { ProtocolError } from "#base/protocol-error.ts";

const limits = {
  /** Of what a parser made: what is longer is told by its digest. */
  characters: 512,
  /** Of what a parser says is wrong: it ends in a log. */
  messageCharacters: 1_000,
} as const;

/** A value in one line, the same for the same value. */
export function told(value: unknown): string {
  const text = JSON.stringify(value, (_, each: unknown) =>
    each instanceof Uint8Array ? Buffer.from(each).toString("hex") : each,
  );
  if (text === undefined || text.length <= limits.characters) return `${text}`;
  return `${text.slice(0, limits.characters)}… ${createHash("sha256").update(text).digest("hex")}`;
}

/** Does it, and tells what came of it; but for a parser's own error, it throws what was thrown. */
export function outcome(work: () => unknown): string {
  try {
    return told(work());
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    assert.ok(error.message.length <= limits.messageCharacters, "an error of endless words");
    return `${error.name}: ${error.message}`;
  }
}
