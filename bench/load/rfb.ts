/**
 * The few messages of RFB 3.8 (RFC 6143) that the load needs, as bytes. The contestants that know RFB are
 * measured with real messages; for the others they are bytes like any.
 */
export const VERSION = Buffer.from("RFB 003.008\n", "latin1");

/** 1 number-of-security-types, 1 None. */
export const SECURITY_TYPES = Buffer.of(1, 1);
export const SECURITY_NONE = Buffer.of(1);
export const SECURITY_RESULT_OK = Buffer.of(0, 0, 0, 0);
export const CLIENT_INIT_SHARED = Buffer.of(1);

const NAME = "bench";

/** RFC 6143 §7.3.2 ServerInit: 800 × 600, 32 bits a pixel. */
export const SERVER_INIT = Buffer.concat([
  Buffer.of(0x03, 0x20, 0x02, 0x58), // width, height
  Buffer.of(32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0), // pixel format
  Buffer.of(0, 0, 0, NAME.length),
  Buffer.from(NAME, "latin1"),
]);

/** §7.5.2 SetEncodings with Raw alone. */
export const SET_ENCODINGS = Buffer.of(2, 0, 0, 1, 0, 0, 0, 0);
/** §7.5.3 FramebufferUpdateRequest, incremental, of the whole screen: what a viewer sends after every update. */
export const UPDATE_REQUEST = Buffer.of(3, 1, 0, 0, 0, 0, 0x03, 0x20, 0x02, 0x58);

/** §7.6.1 and §7.7.1: one update with one raw rectangle, of `width * height * 4 + 16` bytes. */
export function rawUpdate(width: number, height: number): Buffer {
  const update = Buffer.alloc(UPDATE_HEADER_BYTES + width * height * 4);
  update.writeUInt16BE(1, 2); // number-of-rectangles
  update.writeUInt16BE(width, 8);
  update.writeUInt16BE(height, 10);
  return update;
}

const UPDATE_HEADER_BYTES = 4 /* FramebufferUpdate */ + 12; /* rectangle */

/** 71 pixels: 300 bytes. The first pixels carry the time at which the update was sent. */
export const SMALL_UPDATE_BYTES = 300;
export const smallUpdate = () => rawUpdate(71, 1);
/** Where in a small update the 64 bits of the monotonic clock stand, nanoseconds. */
export const STAMP_OFFSET = UPDATE_HEADER_BYTES;

/** Length of a viewer's message from its type and what is there of it; 0 while that cannot be known. */
export function viewerMessageLength(bytes: Buffer): number {
  switch (bytes[0]) {
    case 0: // SetPixelFormat
      return 20;
    case 2: // SetEncodings
      return bytes.length < 4 ? 0 : 4 + 4 * bytes.readUInt16BE(2);
    case 3: // FramebufferUpdateRequest
      return 10;
    default:
      throw new Error(`the generator does not send message type ${bytes[0]}`);
  }
}
