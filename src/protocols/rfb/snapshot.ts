import { ByteReader } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import type { Sequence } from "#base/sequence.ts";
import { skipCutText } from "./cut-text.ts";
import { ENCODING } from "./encodings.ts";
import {
  encodeFramebufferUpdateRequest,
  encodeSetEncodings,
  encodeSetPixelFormat,
  SERVER_MESSAGE,
} from "./messages.ts";
import { TRUE_COLOUR_32 } from "./pixel-format.ts";

export interface ScreenSize {
  readonly width: number;
  readonly height: number;
}

/** Takes one row of a rectangle: four bytes a pixel, blue, green, red and one of nothing. */
export type PaintRow = (x: number, y: number, row: Uint8Array) => void;

const limits = {
  /** Rows are read one by one, and each whole. */
  width: 16_384,
  /** What a server may send, in screens: one is asked for, and some send parts of it twice. */
  screens: 4,
  /** Until the screen is whole: one that only rings its bell is not heard until the deadline, which takes time from everybody. */
  messages: 4_096,
} as const;

const PIXEL_BYTES = 4;

/**
 * Asks for the whole screen once, in Raw, and reads it row by row as it comes, so that it is never held whole. To be
 * run behind ServerInit. Throws a ProtocolError for a screen that is too large, and a server that says something else.
 */
export function* takeSnapshot(
  { width, height }: ScreenSize,
  { send, paint }: { readonly send: (bytes: Uint8Array) => void; readonly paint: PaintRow },
): Sequence<void> {
  if (width > limits.width) throw new ProtocolError("screen too wide", width);
  send(encodeSetPixelFormat(TRUE_COLOUR_32));
  send(encodeSetEncodings([ENCODING.raw]));
  send(encodeFramebufferUpdateRequest(false, { x: 0, y: 0, width, height }));
  const wanted = width * height;
  let painted = 0;
  for (let messages = 0; painted < wanted; messages += 1) {
    if (messages === limits.messages) throw new ProtocolError("many messages, and no screen", messages);
    const [type] = yield { bytes: 1 };
    if (type === SERVER_MESSAGE.framebufferUpdate)
      painted += yield* readUpdate({ width, height }, paint, wanted * limits.screens - painted);
    else if (type === SERVER_MESSAGE.serverCutText) yield* skipCutText();
    else if (type !== SERVER_MESSAGE.bell) throw new ProtocolError("unknown server message", type);
  }
}

/** RFC 6143 §7.6.1 FramebufferUpdate behind its type, in Raw alone. Returns how many pixels it had. */
function* readUpdate(screen: ScreenSize, paint: PaintRow, most: number): Sequence<number> {
  const head = new ByteReader(yield { bytes: 3 });
  head.skip(1);
  let left = head.u16(); // number-of-rectangles
  let pixels = 0;
  for (; left > 0; left -= 1) {
    const rectangle = new ByteReader(yield { bytes: 12 });
    const [x, y] = [rectangle.u16(), rectangle.u16()];
    const [width, height] = [rectangle.u16(), rectangle.u16()];
    const encoding = rectangle.i32(); // encoding-type
    if (encoding !== ENCODING.raw) throw new ProtocolError("unknown encoding", encoding);
    if (x + width > screen.width || y + height > screen.height)
      throw new ProtocolError("rectangle beyond the screen", [x, y, width, height]);
    pixels += width * height;
    if (pixels > most) throw new ProtocolError("more than the screen", pixels);
    if (width > 0)
      for (let row = 0; row < height; row++) paint(x, y + row, yield { bytes: width * PIXEL_BYTES });
  }
  return pixels;
}
