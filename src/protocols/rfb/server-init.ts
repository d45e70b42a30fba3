import { ByteReader, ByteWriter } from "#base/bytes.ts";
import type { Sequence } from "#base/sequence.ts";
import { HandshakeError } from "./handshake-error.ts";
import { PIXEL_FORMAT_BYTES } from "./pixel-format.ts";
import { decodeText, encodeText } from "./text.ts";

/** RFC 6143 §7.3.2 ServerInit: what a server tells about its screen. */
export interface ServerInit {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** The 16 bytes of a PIXEL_FORMAT (§7.4), unread: who relays need not understand them. */
  readonly pixelFormat: Uint8Array;
  /** The desktop's name, as the server chose it: any text at all. */
  readonly name: string;
}

const limits = {
  /** Names are a title. One that announces more is an attack, or the stream is out of step. */
  nameBytes: 4096,
} as const;

export function* readServerInit(): Sequence<ServerInit> {
  const fixed = new ByteReader(yield { bytes: 2 + 2 + PIXEL_FORMAT_BYTES + 4 });
  const width = fixed.u16(); // framebuffer-width
  const height = fixed.u16(); // framebuffer-height
  const pixelFormat = new Uint8Array(fixed.bytes(PIXEL_FORMAT_BYTES)); // server-pixel-format
  const nameLength = fixed.u32(); // name-length
  if (nameLength > limits.nameBytes)
    throw new HandshakeError("malformed", "desktop name too long", { received: nameLength });
  const name = decodeText(yield { bytes: nameLength }); // name-string
  return { width, height, pixelFormat, name };
}

/** A name is cut to the length that `readServerInit` takes. */
export function encodeServerInit(serverInit: ServerInit): Uint8Array<ArrayBuffer> {
  const name = encodeText(serverInit.name, limits.nameBytes);
  return new ByteWriter()
    .u16(serverInit.width)
    .u16(serverInit.height)
    .bytes(serverInit.pixelFormat)
    .u32(name.length)
    .bytes(name)
    .finish();
}
