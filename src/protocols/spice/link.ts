import { concat } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import type { Sequence } from "#base/sequence.ts";

/**
 * How a channel of SPICE begins (The Spice Protocol, "Channel connection: Link"; spice/protocol.h, SpiceLinkHeader and SpiceLinkMess). A viewer
 * has one connection for each channel: the main one first, then, with the number that the server gave there, those for the picture, the
 * pointer, what is typed and so on. Only the beginning is read here: what follows passes as it is.
 */
const MAGIC = "REDQ";

const limits = {
  /** Of the message behind the header: 18 bytes, and four for each word of what its side can do, of which there are two or three. */
  messageBytes: 1024,
} as const;

/** Magic, two numbers of the version, and the size of what follows. */
const HEADER_BYTES = 16;
/** What is read of it: the session's number, the channel's type and its number. */
const KNOWN_BYTES = 6;

/** The channel's types that mean something here (spice/enums.h). */
export const SPICE_CHANNEL = { main: 1, inputs: 3 } as const;

/** What a viewer says first. */
export interface SpiceLink {
  /** 0: a new session is asked for; else that to which the channel belongs. */
  readonly connectionId: number;
  readonly channelType: number;
  /** As they came, to be handed on. */
  readonly bytes: Uint8Array;
}

/** A viewer's first message on a connection. Throws a ProtocolError. */
export function* spiceLink(): Sequence<SpiceLink> {
  const magic = yield { bytes: MAGIC.length };
  requireMagic(magic);
  const rest = yield { bytes: HEADER_BYTES - MAGIC.length };
  const size = littleEndian(rest, 8);
  if (size < KNOWN_BYTES || size > limits.messageBytes)
    throw new ProtocolError("a link message of SPICE has another size", size);
  const message = yield { bytes: size };
  return {
    connectionId: littleEndian(message, 0),
    channelType: message[4] ?? 0,
    bytes: concat([magic, rest, message]),
  };
}

/** The first bytes of a server's answer, by which it is known that it is one. Throws a ProtocolError. */
export function* spiceReply(): Sequence<Uint8Array> {
  const magic = yield { bytes: MAGIC.length };
  requireMagic(magic);
  return magic.slice();
}

function requireMagic(bytes: Uint8Array): void {
  const said = String.fromCharCode(...bytes);
  if (said !== MAGIC) throw new ProtocolError("it does not begin as SPICE does", said);
}

/** Everything in SPICE is. */
function littleEndian(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(offset, true);
}
