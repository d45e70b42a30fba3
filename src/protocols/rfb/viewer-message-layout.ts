import { ProtocolError } from "#base/protocol-error.ts";
import { QEMU_AUDIO, QEMU_MESSAGE, VIEWER_MESSAGE } from "./messages.ts";

/**
 * What a viewer may do besides looking. A message that needs a right which is missing never reaches the server.
 * (`Rights` of the wire has this shape; protocols know nothing of it.)
 */
export interface ViewerRights {
  readonly input: boolean;
  readonly clipboardIn: boolean;
  readonly resize: boolean;
  readonly power: boolean;
}

const limits = {
  /** Clipboard text, and extended clipboard data. QEMU closes the connection above 1 MiB. */
  cutTextBytes: 1024 * 1024,
  /** Encodings in one SetEncodings; noVNC and TigerVNC announce about thirty. */
  encodings: 512,
  /** The payload of a fence: the extension itself allows no more. */
  fenceBytes: 64,
} as const;

/** How many bytes of a message it takes to know how long it is, by its type. 0: there is no such message. */
const HEADER_BYTES = headerBytes({
  [VIEWER_MESSAGE.setPixelFormat]: 20,
  [VIEWER_MESSAGE.setEncodings]: 4,
  [VIEWER_MESSAGE.framebufferUpdateRequest]: 10,
  [VIEWER_MESSAGE.keyEvent]: 8,
  [VIEWER_MESSAGE.pointerEvent]: 6,
  [VIEWER_MESSAGE.clientCutText]: 8,
  [VIEWER_MESSAGE.enableContinuousUpdates]: 10,
  [VIEWER_MESSAGE.clientFence]: 9,
  [VIEWER_MESSAGE.xvp]: 4,
  [VIEWER_MESSAGE.setDesktopSize]: 8,
  [VIEWER_MESSAGE.qemu]: 4,
});

function headerBytes(byType: Readonly<Record<number, number>>): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, type) => byType[type] ?? 0);
}

/**
 * How many bytes must be in hand, from `start` on, to judge a message that begins there: its header, and once that
 * is there, the whole of it, except for cut text, which can be passed on or dropped as it comes. Throws a
 * ProtocolError for a message that is not known or too long.
 */
export function viewerHeadBytes(bytes: Uint8Array, start: number): number {
  const type = u8(bytes, start);
  const header = HEADER_BYTES[type] ?? 0;
  if (header === 0) throw new ProtocolError("unknown viewer message", type);
  if (bytes.length - start < header) return header;
  const whole = viewerMessageBytes(bytes, start);
  return type === VIEWER_MESSAGE.clientCutText ? header : whole;
}

/** Bytes of the whole message whose header begins at `start`. Throws as `viewerHeadBytes` does. */
export function viewerMessageBytes(bytes: Uint8Array, start: number): number {
  const type = u8(bytes, start);
  switch (type) {
    case VIEWER_MESSAGE.setEncodings:
      return 4 + 4 * bounded(u16(bytes, start + 2), limits.encodings, "too many encodings");
    case VIEWER_MESSAGE.clientCutText:
      // A negative length is that of extended clipboard data.
      return 8 + bounded(Math.abs(i32(bytes, start + 4)), limits.cutTextBytes, "cut text too long");
    case VIEWER_MESSAGE.clientFence:
      return 9 + bounded(u8(bytes, start + 8), limits.fenceBytes, "fence too long");
    case VIEWER_MESSAGE.setDesktopSize:
      return 8 + 16 * u8(bytes, start + 6);
    case VIEWER_MESSAGE.qemu:
      return qemuMessageBytes(bytes, start);
    default:
      return HEADER_BYTES[type] ?? 0;
  }
}

function qemuMessageBytes(bytes: Uint8Array, start: number): number {
  const subtype = u8(bytes, start + 1);
  if (subtype === QEMU_MESSAGE.extendedKeyEvent) return 12;
  const operation = u16(bytes, start + 2);
  if (subtype === QEMU_MESSAGE.audio) {
    if (operation === QEMU_AUDIO.enable || operation === QEMU_AUDIO.disable) return 4;
    if (operation === QEMU_AUDIO.setFormat) return 10;
  }
  throw new ProtocolError("unknown QEMU message", [subtype, operation]);
}

/** Whether a viewer with these rights may send the message whose header begins at `start`. */
export function mayReachServer(bytes: Uint8Array, start: number, rights: ViewerRights): boolean {
  switch (u8(bytes, start)) {
    case VIEWER_MESSAGE.keyEvent:
    case VIEWER_MESSAGE.pointerEvent:
      return rights.input;
    case VIEWER_MESSAGE.clientCutText:
      // A server that does not know the extended clipboard may read its length otherwise than we do, and take what
      // follows for messages: so it is only for those who may send all the messages that could hide there.
      return rights.clipboardIn && (rights.input || i32(bytes, start + 4) >= 0);
    case VIEWER_MESSAGE.setDesktopSize:
      return rights.resize;
    case VIEWER_MESSAGE.xvp:
      return rights.power;
    case VIEWER_MESSAGE.qemu:
      return rights.input || u8(bytes, start + 1) === QEMU_MESSAGE.audio;
    case VIEWER_MESSAGE.setPixelFormat:
    case VIEWER_MESSAGE.setEncodings:
    case VIEWER_MESSAGE.framebufferUpdateRequest:
    case VIEWER_MESSAGE.enableContinuousUpdates:
    case VIEWER_MESSAGE.clientFence:
      return true;
    default:
      return false;
  }
}

function bounded(value: number, maximum: number, problem: string): number {
  if (value > maximum) throw new ProtocolError(problem, value);
  return value;
}

function u8(bytes: Uint8Array, offset: number): number {
  return bytes[offset] ?? 0;
}

function u16(bytes: Uint8Array, offset: number): number {
  return (u8(bytes, offset) << 8) | u8(bytes, offset + 1);
}

function i32(bytes: Uint8Array, offset: number): number {
  return (u16(bytes, offset) << 16) | u16(bytes, offset + 2);
}
