import { ByteReader } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import type { Sequence } from "#base/sequence.ts";
import { readCutText } from "./cut-text.ts";
import { type Area, VIEWER_MESSAGE } from "./messages.ts";
import { PIXEL_FORMAT_BYTES, type PixelFormat, parsePixelFormat } from "./pixel-format.ts";

/** What a viewer says to a server that knows RFC 6143 and no extension. */
export type ViewerMessage =
  | { readonly type: "set-pixel-format"; readonly format: PixelFormat }
  | { readonly type: "set-encodings"; readonly encodings: readonly number[] }
  | { readonly type: "framebuffer-update-request"; readonly incremental: boolean; readonly area: Area }
  | { readonly type: "key-event"; readonly down: boolean; readonly keysym: number }
  | { readonly type: "pointer-event"; readonly buttons: number; readonly x: number; readonly y: number }
  | { readonly type: "client-cut-text"; readonly text: string };

/** RFC 6143 §7.5, as a server reads it: one message. Throws a ProtocolError for any other. */
export function* readViewerMessage(): Sequence<ViewerMessage> {
  const [type] = yield { bytes: 1 };
  switch (type) {
    case VIEWER_MESSAGE.setPixelFormat: {
      const body = yield { bytes: 3 + PIXEL_FORMAT_BYTES };
      return { type: "set-pixel-format", format: parsePixelFormat(body.subarray(3)) };
    }
    case VIEWER_MESSAGE.setEncodings:
      return yield* setEncodings();
    case VIEWER_MESSAGE.framebufferUpdateRequest: {
      const body = new ByteReader(yield { bytes: 9 });
      const incremental = body.u8() !== 0;
      const area = { x: body.u16(), y: body.u16(), width: body.u16(), height: body.u16() };
      return { type: "framebuffer-update-request", incremental, area };
    }
    case VIEWER_MESSAGE.keyEvent: {
      const body = new ByteReader(yield { bytes: 7 });
      const down = body.u8() !== 0;
      body.skip(2);
      return { type: "key-event", down, keysym: body.u32() };
    }
    case VIEWER_MESSAGE.pointerEvent: {
      const body = new ByteReader(yield { bytes: 5 });
      return { type: "pointer-event", buttons: body.u8(), x: body.u16(), y: body.u16() };
    }
    case VIEWER_MESSAGE.clientCutText:
      return { type: "client-cut-text", text: yield* readCutText() };
    default:
      throw new ProtocolError("unknown viewer message", type);
  }
}

function* setEncodings(): Sequence<ViewerMessage> {
  const head = new ByteReader(yield { bytes: 3 });
  head.skip(1);
  const count = head.u16(); // number-of-encodings
  const encodings: number[] = [];
  while (encodings.length < count) encodings.push(new ByteReader(yield { bytes: 4 }).i32()); // encoding-type
  return { type: "set-encodings", encodings };
}
