import { ProtocolError } from "#base/protocol-error.ts";
import { openConsole, REMOTE_PROGRAM, REMOTE_VERSION } from "./calls.ts";
import { domainOf } from "./domain.ts";
import { isPing, KEEPALIVE_PROGRAM } from "./keepalive.ts";
import { encodePacket, type Packet, PacketReader } from "./packet.ts";
import { type RemoteError, readRemoteError } from "./remote-error.ts";
import { XdrReader } from "./xdr.ts";

export const consoleLimits = {
  /** The longest packet of a console: libvirt sends 262 120 bytes of a stream at once (VIR_NET_MESSAGE_LEGACY_PAYLOAD_MAX), and some room. */
  packetBytes: 512 * 1024,
  /** Of what is typed, in one packet: what libvirt has to hold of it until the machine takes it. */
  pieceBytes: 16 * 1024,
} as const;

/** What libvirt says of a line that is open. */
export type ConsoleEvent =
  | { readonly kind: "said"; readonly bytes: Uint8Array }
  /** The machine has let go of it. */
  | { readonly kind: "ended" }
  /** libvirt has. */
  | { readonly kind: "failed"; readonly error: RemoteError }
  /** Answered with `pong`. */
  | { readonly kind: "ping" }
  | { readonly kind: "pong" };

const { procedure } = openConsole(domainOf("00000000-0000-0000-0000-000000000000"), "");
const NOTHING = new Uint8Array(0);

/** Takes out of libvirt's packets what belongs to one line, the one thing that its connection is for (libvirt: virNetMessage, streams). */
export class ConsoleReader {
  readonly #serial: number;
  readonly #packets = new PacketReader(consoleLimits.packetBytes);

  /** `serial` is that of the call that opened it. */
  constructor(serial: number) {
    this.#serial = serial;
  }

  /** What is whole with this chunk, one by one. Throws a ProtocolError; after that it is of no more use. */
  *push(chunk: Uint8Array): Generator<ConsoleEvent, void> {
    for (const packet of this.#packets.push(chunk)) {
      const event = this.#read(packet);
      if (event !== undefined) yield event;
    }
  }

  #read(packet: Packet): ConsoleEvent | undefined {
    const { program, type, serial, status, body } = packet;
    if (program === KEEPALIVE_PROGRAM) return { kind: isPing(packet) ? "ping" : "pong" };
    if (program !== REMOTE_PROGRAM) throw new ProtocolError("unknown program", program);
    // Events, of which none was asked for.
    if (type === "message") return undefined;
    if (type !== "stream" || serial !== this.#serial || packet.procedure !== procedure)
      throw new ProtocolError("an answer to nothing", serial);
    if (status === "error") return { kind: "failed", error: readRemoteError(new XdrReader(body)) };
    // Nothing more comes: an empty piece says so, and so does the answer to an end of ours.
    return status === "continue" && body.length > 0 ? { kind: "said", bytes: body } : { kind: "ended" };
  }
}

/** Bytes for the line, which are not more than a piece has. */
export function encodeTyped(serial: number, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return encodeStream(serial, "continue", bytes);
}

/** That the line is given back. */
export function encodeEnd(serial: number): Uint8Array<ArrayBuffer> {
  return encodeStream(serial, "ok", NOTHING);
}

function encodeStream(serial: number, status: Packet["status"], body: Uint8Array): Uint8Array<ArrayBuffer> {
  const about = { program: REMOTE_PROGRAM, version: REMOTE_VERSION, procedure, serial };
  return encodePacket({ ...about, type: "stream", status, body });
}
