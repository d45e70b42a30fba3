import { ByteReader, ByteWriter } from "#base/bytes.ts";
import type { Sequence } from "#base/sequence.ts";
import { decodeText, encodeText } from "./text.ts";

const limits = {
  /** Real reasons are one sentence. A server that announces more than this is not waited for. */
  reasonBytes: 4096,
} as const;

/**
 * A reason-string (RFC 6143 §7.1.2, §7.1.3); `undefined` for one so long that it cannot be meant. QEMU counts the
 * zero byte behind its text.
 */
export function* readReason(): Sequence<string | undefined> {
  const length = new ByteReader(yield { bytes: 4 }).u32(); // reason-length
  if (length > limits.reasonBytes) return undefined;
  return decodeText(yield { bytes: length }).replaceAll("\0", ""); // reason-string
}

export function encodeReason(reason: string): Uint8Array<ArrayBuffer> {
  const bytes = encodeText(reason, limits.reasonBytes);
  return new ByteWriter().u32(bytes.length).bytes(bytes).finish();
}
