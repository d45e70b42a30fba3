/** The longest header of a frame that is not masked, as a server's are not (RFC 6455 §5.2). */
export const HEADER_ROOM = 10;

const FIN_BINARY = 0x82;

/**
 * Writes the header of a binary frame into the room before its payload, which begins at HEADER_ROOM. Returns where
 * the frame begins.
 */
export function writeBinaryHeader(memory: Buffer, payloadBytes: number): number {
  if (payloadBytes < 126) {
    memory[HEADER_ROOM - 2] = FIN_BINARY;
    memory[HEADER_ROOM - 1] = payloadBytes;
    return HEADER_ROOM - 2;
  }
  if (payloadBytes <= 0xffff) {
    memory[HEADER_ROOM - 4] = FIN_BINARY;
    memory[HEADER_ROOM - 3] = 126; // 16 bits of length follow
    memory.writeUInt16BE(payloadBytes, HEADER_ROOM - 2);
    return HEADER_ROOM - 4;
  }
  memory[0] = FIN_BINARY;
  memory[1] = 127; // 64 bits of length follow
  memory.writeUInt32BE(0, 2);
  memory.writeUInt32BE(payloadBytes, 6);
  return 0;
}
