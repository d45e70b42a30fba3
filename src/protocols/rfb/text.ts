/**
 * Names and reasons: RFC 6143 leaves their character set open, servers and viewers of today take UTF-8. What is
 * not UTF-8 is replaced, not refused: it is only shown.
 */
export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** As many whole characters as fit. */
export function encodeText(text: string, maximumBytes: number): Uint8Array<ArrayBuffer> {
  const room = new Uint8Array(Math.min(maximumBytes, text.length * 3));
  return room.subarray(0, new TextEncoder().encodeInto(text, room).written);
}
