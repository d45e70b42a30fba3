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

const LENGTH_BYTES = 4;
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
  #chunks: Uint8Array[] = [];
  #buffered = 0;
  /** Of the packet that is coming, its length included; undefined until that has come. */
  #length: number | undefined;

  /** All packets that are whole with this chunk. Throws a ProtocolError. */
  push(chunk: Uint8Array): Packet[] {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    const packets: Packet[] = [];
    for (;;) {
      if (this.#length === undefined) {
        if (this.#buffered < LENGTH_BYTES) return packets;
        this.#length = lengthOf(this.#peek(LENGTH_BYTES));
      }
      if (this.#buffered < this.#length) return packets;
      packets.push(decodePacket(this.#take(this.#length)));
      this.#length = undefined;
    }
  }

  #peek(length: number): Uint8Array {
    return this.#whole().subarray(0, length);
  }

  #take(length: number): Uint8Array {
    const whole = this.#whole();
    this.#buffered -= length;
    this.#chunks = this.#buffered > 0 ? [whole.subarray(length)] : [];
    return whole.subarray(0, length);
  }

  /** Joined once for a length and once for a packet, so what is copied does not grow with the number of chunks. */
  #whole(): Uint8Array {
    const [first] = this.#chunks;
    const whole = this.#chunks.length === 1 && first !== undefined ? first : concat(this.#chunks);
    this.#chunks = [whole];
    return whole;
  }
}

function lengthOf(bytes: Uint8Array): number {
  const length = new XdrReader(bytes).uint();
  if (length < LENGTH_BYTES + HEADER_BYTES) throw new ProtocolError("packet too short", length);
  if (length > limits.packetBytes) throw new ProtocolError("packet too long", length);
  return length;
}

function decodePacket(bytes: Uint8Array): Packet {
  const reader = new XdrReader(bytes.subarray(LENGTH_BYTES));
  return {
    program: reader.uint(),
    version: reader.uint(),
    procedure: reader.int(),
    type: oneOf(PACKET_TYPES, reader.int()),
    serial: reader.uint(),
    status: oneOf(PACKET_STATUSES, reader.int()),
    body: bytes.subarray(LENGTH_BYTES + HEADER_BYTES),
  };
}

function oneOf<Name extends string>(names: readonly Name[], index: number): Name {
  const name = names[index];
  if (name === undefined) throw new ProtocolError(`neither of ${names.join(", ")}`, index);
  return name;
}
