/** Piece sizes that find parsers which take a read for a message; the last is larger than any message. */
export const PIECE_SIZES = [1, 2, 3, 7, 1 << 20] as const;

/** Cuts bytes into pieces of one size, as a network may. For tests. */
export function* inPieces(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}
