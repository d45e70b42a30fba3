import { ByteReader, concat, latin1 } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import type { Sequence } from "#base/sequence.ts";

const limits = {
  /** Longer clipboard text is a ProtocolError, as it is at a node. */
  textBytes: 1024 * 1024,
  /** What is asked for at once of a long text. */
  pieceBytes: 32 * 1024,
} as const;

/** ClientCutText and ServerCutText behind their message type (RFC 6143 §7.5.6, §7.6.4). The text is Latin-1. */
export function* readCutText(): Sequence<string> {
  const pieces: Uint8Array[] = [];
  for (let left = yield* readLength(); left > 0; left -= limits.pieceBytes)
    pieces.push(yield { bytes: Math.min(left, limits.pieceBytes) }); // text
  return latin1(concat(pieces));
}

/** The same, where nobody wants the text. */
export function* skipCutText(): Sequence<void> {
  for (let left = yield* readLength(); left > 0; left -= limits.pieceBytes)
    yield { bytes: Math.min(left, limits.pieceBytes) };
}

function* readLength(): Sequence<number> {
  const head = new ByteReader(yield { bytes: 7 });
  head.skip(3);
  const length = head.u32(); // length
  if (length > limits.textBytes) throw new ProtocolError("cut text too long", length);
  return length;
}
