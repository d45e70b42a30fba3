import { ByteReader, ByteWriter, concat } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import type { Sequence } from "#base/sequence.ts";
import { ENCODING } from "./encodings.ts";
import { type Area, SERVER_MESSAGE } from "./messages.ts";

/** A changed part of the framebuffer, in one of the two encodings that need no compression. */
export type Rectangle =
  /** Row by row, in the pixel format that was agreed. */
  | (Area & { readonly encoding: "raw"; readonly pixels: Uint8Array })
  /** What stood at `from` in the viewer's own framebuffer. */
  | (Area & { readonly encoding: "copy-rect"; readonly from: { readonly x: number; readonly y: number } });

const limits = {
  /** Rows are read one by one, so that a rectangle is no larger than what its sender really sent. */
  rowBytes: 64 * 1024,
} as const;

/** RFC 6143 §7.6.1 FramebufferUpdate. */
export function encodeFramebufferUpdate(rectangles: readonly Rectangle[]): Uint8Array<ArrayBuffer> {
  const update = new ByteWriter()
    .u8(SERVER_MESSAGE.framebufferUpdate) // message-type
    .padding(1)
    .u16(rectangles.length); // number-of-rectangles
  for (const rectangle of rectangles) {
    const { x, y, width, height } = rectangle;
    update.u16(x).u16(y).u16(width).u16(height);
    if (rectangle.encoding === "raw") update.i32(ENCODING.raw).bytes(rectangle.pixels);
    else update.i32(ENCODING.copyRect).u16(rectangle.from.x).u16(rectangle.from.y);
  }
  return update.finish();
}

/** Reads a FramebufferUpdate behind its message type. Throws a ProtocolError for any other encoding. */
export function* readFramebufferUpdate(bytesPerPixel: number): Sequence<readonly Rectangle[]> {
  const head = new ByteReader(yield { bytes: 3 });
  head.skip(1);
  const count = head.u16(); // number-of-rectangles
  const rectangles: Rectangle[] = [];
  while (rectangles.length < count) rectangles.push(yield* readRectangle(bytesPerPixel));
  return rectangles;
}

function* readRectangle(bytesPerPixel: number): Sequence<Rectangle> {
  const head = new ByteReader(yield { bytes: 12 });
  const area = { x: head.u16(), y: head.u16(), width: head.u16(), height: head.u16() };
  const encoding = head.i32(); // encoding-type
  if (encoding === ENCODING.raw)
    return { ...area, encoding: "raw", pixels: yield* readRows(area, bytesPerPixel) };
  if (encoding !== ENCODING.copyRect) throw new ProtocolError("unknown encoding", encoding);
  const from = new ByteReader(yield { bytes: 4 });
  return { ...area, encoding: "copy-rect", from: { x: from.u16(), y: from.u16() } };
}

function* readRows({ width, height }: Area, bytesPerPixel: number): Sequence<Uint8Array> {
  const rowBytes = width * bytesPerPixel;
  if (rowBytes > limits.rowBytes) throw new ProtocolError("row too long", rowBytes);
  const rows: Uint8Array[] = [];
  while (rowBytes > 0 && rows.length < height) rows.push(yield { bytes: rowBytes });
  return concat(rows);
}
