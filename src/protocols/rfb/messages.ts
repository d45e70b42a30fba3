import { ByteWriter, fromLatin1 } from "#base/bytes.ts";
import { encodePixelFormat, type PixelFormat } from "./pixel-format.ts";

/** Message types from a viewer: RFC 6143 §7.5, and the extensions that rfbproto registers. */
export const VIEWER_MESSAGE = {
  setPixelFormat: 0,
  setEncodings: 2,
  framebufferUpdateRequest: 3,
  keyEvent: 4,
  pointerEvent: 5,
  clientCutText: 6,
  enableContinuousUpdates: 150,
  clientFence: 248,
  xvp: 250,
  setDesktopSize: 251,
  qemu: 255,
} as const;

/** What the second byte of a QEMU message says, and the third and fourth of an audio one. */
export const QEMU_MESSAGE = { extendedKeyEvent: 0, audio: 1 } as const;
export const QEMU_AUDIO = { enable: 0, disable: 1, setFormat: 2 } as const;

/** Message types from a server: RFC 6143 §7.6. */
export const SERVER_MESSAGE = {
  framebufferUpdate: 0,
  bell: 2,
  serverCutText: 3,
} as const;

/** A part of the framebuffer, in pixels from its top left corner. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** RFC 6143 §7.5.1. */
export function encodeSetPixelFormat(format: PixelFormat): Uint8Array<ArrayBuffer> {
  return message(VIEWER_MESSAGE.setPixelFormat).padding(3).bytes(encodePixelFormat(format)).finish();
}

/** RFC 6143 §7.5.2. */
export function encodeSetEncodings(encodings: readonly number[]): Uint8Array<ArrayBuffer> {
  const setEncodings = message(VIEWER_MESSAGE.setEncodings).padding(1).u16(encodings.length);
  for (const encoding of encodings) setEncodings.i32(encoding);
  return setEncodings.finish();
}

/** RFC 6143 §7.5.3. */
export function encodeFramebufferUpdateRequest(incremental: boolean, area: Area): Uint8Array<ArrayBuffer> {
  return withArea(message(VIEWER_MESSAGE.framebufferUpdateRequest).u8(Number(incremental)), area).finish();
}

/** RFC 6143 §7.5.4; `keysym` is X11's. */
export function encodeKeyEvent(down: boolean, keysym: number): Uint8Array<ArrayBuffer> {
  return message(VIEWER_MESSAGE.keyEvent).u8(Number(down)).padding(2).u32(keysym).finish();
}

/** RFC 6143 §7.5.5; bit 0 of `buttons` is the left one. */
export function encodePointerEvent(buttons: number, x: number, y: number): Uint8Array<ArrayBuffer> {
  return message(VIEWER_MESSAGE.pointerEvent).u8(buttons).u16(x).u16(y).finish();
}

/** RFC 6143 §7.5.6; the text is Latin-1. */
export function encodeClientCutText(text: string): Uint8Array<ArrayBuffer> {
  return cutText(VIEWER_MESSAGE.clientCutText, text);
}

/** RFC 6143 §7.6.4; the text is Latin-1. */
export function encodeServerCutText(text: string): Uint8Array<ArrayBuffer> {
  return cutText(SERVER_MESSAGE.serverCutText, text);
}

function cutText(type: number, text: string): Uint8Array<ArrayBuffer> {
  const bytes = fromLatin1(text);
  return message(type).padding(3).u32(bytes.length).bytes(bytes).finish();
}

function withArea(writer: ByteWriter, { x, y, width, height }: Area): ByteWriter {
  return writer.u16(x).u16(y).u16(width).u16(height);
}

function message(type: number): ByteWriter {
  return new ByteWriter().u8(type);
}
