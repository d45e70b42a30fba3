import { ProtocolError } from "#base/protocol-error.ts";
import type { Sequence } from "#base/sequence.ts";

const limits = {
  /** All of an answer's head. XAPI's are of some hundred bytes. */
  headBytes: 8 * 1024,
} as const;

const CR = 0x0d;
const LF = 0x0a;

/** What a server answers to `CONNECT path HTTP/1.0`. Behind a 200 come the console's own bytes. */
export interface ConnectAnswer {
  readonly status: number;
  /** As the server words it. */
  readonly reason: string;
}

/**
 * The head of one answer (RFC 9112 §4), to its last byte and no further: what stands behind it in the same packet is the console's.
 * Header fields say nothing that is needed here. Throws a ProtocolError.
 */
export function* connectAnswer(): Sequence<ConnectAnswer> {
  const lines: string[] = [];
  let left: number = limits.headBytes;
  for (;;) {
    const line = yield* readLine(left);
    if (line.text === "") break;
    lines.push(line.text);
    left -= line.bytes;
  }
  const [first = ""] = lines;
  const [, status, reason = ""] = /^HTTP\/1\.[01] ([1-5]\d\d)(?: ([\x20-\x7e]*))?$/.exec(first) ?? [];
  if (status === undefined) throw new ProtocolError("what answers does not speak HTTP", first);
  return { status: Number(status), reason };
}

/** A line, without its end. A bare LF ends one as well (RFC 9112 §2.2). */
function* readLine(mostBytes: number): Sequence<{ readonly text: string; readonly bytes: number }> {
  const bytes: number[] = [];
  for (;;) {
    if (bytes.length >= mostBytes)
      throw new ProtocolError("the head of an answer to CONNECT is too long", limits.headBytes);
    const [byte = LF] = yield { bytes: 1 };
    bytes.push(byte);
    if (byte === LF) break;
  }
  const end = bytes.at(-2) === CR ? -2 : -1;
  return { text: String.fromCharCode(...bytes.slice(0, end)), bytes: bytes.length };
}
