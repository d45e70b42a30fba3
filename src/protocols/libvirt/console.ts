import { concat } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import type { Sequence } from "#base/sequence.ts";
import {
  authenticationTypes,
  type Call,
  open,
  openConsole,
  polkit,
  REMOTE_PROGRAM,
  REMOTE_VERSION,
  supportsKeepalive,
} from "./calls.ts";
import { consoleLimits } from "./console-stream.ts";
import { domainOf } from "./domain.ts";
import { encodeKeepalive, isPing, KEEPALIVE_PROGRAM } from "./keepalive.ts";
import { encodePacket, LENGTH_BYTES, lengthOf, type Packet, toPacket } from "./packet.ts";
import { readRemoteError } from "./remote-error.ts";
import { XdrReader } from "./xdr.ts";

const limits = {
  /** Asked for at once; a packet may be longer. */
  needBytes: 64 * 1024,
  /** What a machine may have said before libvirt answers that its line is open. One packet comes, before libvirt waits for it to be sent. */
  earlyBytes: 2 * consoleLimits.packetBytes,
} as const;

/** Which line is to be opened, and by what way one is there. */
export interface ConsoleRequest {
  /** libvirt's own, such as qemu:///system. */
  readonly uri: string;
  /** The domain's UUID. */
  readonly domain: string;
  /** The device's alias, such as serial0. */
  readonly device: string;
  /**
   * By a network, within TLS: libvirt says first that it takes our certificate, and is asked to find out by itself when we are no more. A
   * socket of the same machine tells it.
   */
  readonly isFar: boolean;
}

/** A line that is open. */
export interface OpenedConsole {
  /** By which libvirt knows the stream. */
  readonly serial: number;
  /** What the machine has said already. */
  readonly early: Uint8Array;
  /** Whether libvirt answers when it is asked whether it is there, and asks too. */
  readonly keepsAlive: boolean;
}

/** libvirt says this after TLS's handshake, once it has judged the client's certificate. */
const ACCEPTED = 0x01;

/** Who calls has to say who he is in a way that is not spoken here. */
export class SignInUnspoken extends Error {
  override readonly name = "SignInUnspoken";
}

/**
 * From the first byte within the connection to an open line: libvirt's `remoteDomainOpenConsole` and what has to go before it. Throws a
 * ProtocolError, the RemoteError that libvirt answered, or SignInUnspoken.
 */
export function* openConsoleLine(
  send: (bytes: Uint8Array) => void,
  { uri, domain, device, isFar }: ConsoleRequest,
): Sequence<OpenedConsole> {
  if (isFar) {
    const [accepted] = yield { bytes: 1 };
    if (accepted !== ACCEPTED) throw new ProtocolError("what answers there is not libvirt", accepted);
  }
  const asking = new Asking(send);
  const types = yield* asking.ask(authenticationTypes());
  if (types.includes("polkit")) yield* asking.ask(polkit());
  else if (!types.includes("none")) throw new SignInUnspoken(types.join(" or "));
  yield* asking.ask(open(uri, { isReadOnly: false }));
  const keepsAlive = isFar ? yield* asking.ask(supportsKeepalive()) : false;
  yield* asking.ask(openConsole(domainOf(domain), device));
  return { serial: asking.serial, early: concat(asking.early), keepsAlive };
}

/** One call after the other. */
class Asking {
  readonly #send: (bytes: Uint8Array) => void;
  /** Of the last call. */
  serial = 0;
  /** What came of its stream before its answer. */
  readonly early: Uint8Array[] = [];
  #earlyBytes = 0;

  constructor(send: (bytes: Uint8Array) => void) {
    this.#send = send;
  }

  *ask<Result>(call: Call<Result>): Sequence<Result> {
    this.serial += 1;
    const { procedure, args: body } = call;
    const about = { program: REMOTE_PROGRAM, version: REMOTE_VERSION, procedure, serial: this.serial };
    this.#send(encodePacket({ ...about, type: "call", status: "ok", body }));
    for (;;) {
      const packet = yield* readPacket();
      if (packet.program === KEEPALIVE_PROGRAM) {
        if (isPing(packet)) this.#send(encodeKeepalive("pong"));
        continue;
      }
      if (packet.program !== REMOTE_PROGRAM) throw new ProtocolError("unknown program", packet.program);
      // Events, of which none was asked for.
      if (packet.type === "message") continue;
      if (packet.serial !== this.serial || packet.procedure !== procedure)
        throw new ProtocolError("an answer to nothing", packet.serial);
      if (packet.type === "stream") {
        this.#takeEarly(packet);
        continue;
      }
      if (packet.type !== "reply") throw new ProtocolError("a call from libvirt");
      const reader = new XdrReader(packet.body);
      if (packet.status !== "ok") throw readRemoteError(reader);
      return call.read(reader);
    }
  }

  /** A line that is over before it is open was none. */
  #takeEarly({ status, body }: Packet): void {
    if (status === "error") throw readRemoteError(new XdrReader(body));
    if (status !== "continue" || body.length === 0) throw new ProtocolError("a line that ends unopened");
    this.#earlyBytes += body.length;
    if (this.#earlyBytes > limits.earlyBytes) throw new ProtocolError("too much before an answer");
    this.early.push(body);
  }
}

function* readPacket(): Sequence<Packet> {
  const length = lengthOf(yield { bytes: LENGTH_BYTES }, consoleLimits.packetBytes);
  const pieces: Uint8Array[] = [];
  for (let left = length - LENGTH_BYTES; left > 0; ) {
    const piece = yield { bytes: Math.min(left, limits.needBytes) };
    pieces.push(piece);
    left -= piece.length;
  }
  return toPacket(concat(pieces));
}
