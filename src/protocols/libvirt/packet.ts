import { ByteQueue } from "#base/byte-queue.ts";
import { concat } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { XdrReader, XdrWriter } from "./xdr.ts";

export const limits = {
  /** The longest that libvirt sends of what is asked for here: one string of 4 MiB, or 16 384 domains, with what is around them. */
  packetBytes: 5 * 1024 * 1024,
} as const;

/** libvirt: virNetMessageType, as far as it is spoken here. With file descriptors there are more, which no network carries. */
export const PACKET_TYPES = ["call", "reply", "message", "stream"] as const;
type PacketType = (typeof PACKET_TYPES)[number];

/** libvirt: virNetMessageStatus. */
export const PACKET_STATUSES = ["ok", "error", "continue"] as const;
type PacketStatus = (typeof PACKET_STATUSES)[number];

/** One message either way, its header read and its body not. */
export interface Packet {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly type: PacketType;
  /** Of a call; whatever answers it has the same. */
  readonly serial: number;
  readonly status: PacketStatus;
  readonly body: Uint8Array;
}

/** Of the length that stands before each packet, and counts. */
export const LENGTH_BYTES = 4;
const HEADER_BYTES = 24;

export function encodePacket(packet: Packet): Uint8Array<ArrayBuffer> {
  const { program, version, procedure, type, serial, status, body } = packet;
  return concat([
    new XdrWriter()
      .uint(LENGTH_BYTES + HEADER_BYTES + body.length)
      .uint(program)
      .uint(version)
      .int(procedure)
      .int(PACKET_TYPES.indexOf(type))
      .uint(serial)
      .int(PACKET_STATUSES.indexOf(status))
      .finish(),
    body,
  ]);
}

/** Cuts what a peer sends into packets, however it comes. After it has thrown it is of no more use. */
export class PacketReader {
  readonly #heard = new ByteQueue();
  readonly #maxBytes: number;
  /** Of the packet that is coming, its length included; undefined until that has come. */
  #length: number | undefined;

  /** A packet that says it is longer than `maxBytes`, its length included, is none. */
  constructor(maxBytes: number = limits.packetBytes) {
    this.#maxBytes = maxBytes;
  }

  /**
   * All packets that are whole with this chunk, one by one: what stands before something that is none is a packet all the same.
   * Throws a ProtocolError.
   */
  *push(chunk: Uint8Array): Generator<Packet, void> {
    this.#heard.push(chunk);
    for (;;) {
      if (this.#length === undefined) {
        if (this.#heard.length < LENGTH_BYTES) return;
        this.#length = lengthOf(this.#heard.peek(LENGTH_BYTES), this.#maxBytes);
      }
      if (this.#heard.length < this.#length) return;
      const packet = this.#heard.take(this.#length);
      this.#length = undefined;
      yield toPacket(packet.subarray(LENGTH_BYTES));
    }
  }
}

/** What a packet's first bytes say of its length, themselves included. Throws a ProtocolError. */
export function lengthOf(bytes: Uint8Array, maxBytes: number): number {
  const length = new XdrReader(bytes).uint();
  if (length < LENGTH_BYTES + HEADER_BYTES) throw new ProtocolError("packet too short", length);
  if (length > maxBytes) throw new ProtocolError("packet too long", length);
  return length;
}

/** What stands behind the length of a packet, all of it. Throws a ProtocolError. */
export function toPacket(bytes: Uint8Array): Packet {
  const reader = new XdrReader(bytes);
  return {
    program: reader.uint(),
    version: reader.uint(),
    procedure: reader.int(),
    type: oneOf(PACKET_TYPES, reader.int()),
    serial: reader.uint(),
    status: oneOf(PACKET_STATUSES, reader.int()),
    body: bytes.subarray(HEADER_BYTES),
  };
}

function oneOf<Name extends string>(names: readonly Name[], index: number): Name {
  const name = names[index];
  if (name === undefined) throw new ProtocolError(`neither of ${names.join(", ")}`, index);
  return name;
}
