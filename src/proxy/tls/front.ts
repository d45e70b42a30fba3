import type { Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import { neighbourhood } from "#base/neighbourhood.ts";
import type { Log } from "#base/process/log.ts";
import { peerOf } from "../http/viewer-address.ts";
import { ignoreError } from "../ignore-error.ts";
import type { Loaded } from "./serving.ts";

const limits = {
  /** Handshakes of one address at once: each costs a signature. Beyond them the oldest one is given up. */
  handshakesPerAddress: 128,
  /** Certificates that were served before, for the names that the one of now is not for. The latest are kept. */
  before: 4,
  /** So long: keys that are of no use any more are not to lie about. As long as our name server answers for a domain of before. */
  beforeMs: 60 * 60 * 1000,
} as const;

/** The first byte of a TLS record with a handshake in it (RFC 8446 §5.1); no method of HTTP begins with it. */
export const HELLO = 0x16;

export interface TlsFrontOptions {
  /** From the first byte to the end of a handshake. */
  readonly tlsHandshakeMs: number;
  readonly log: Log;
}

/** Who a connection is given to, once it is known what is spoken on it. */
export interface Taker {
  /** The same one, on which nothing was read. */
  plain(socket: Socket): void;
  /** `under` is the connection that was accepted. */
  secure(socket: TLSSocket, under: Socket): void;
}

interface Arrival {
  readonly socket: Socket;
  readonly taker: Taker;
  readonly from: string;
}

/**
 * TLS for connections that somebody else accepted, so that listening never ends for it: each is served under the
 * certificate that is the node's when it comes, and keeps that. Where the domain was changed, whoever still comes by a name of
 * before (an open console that comes back, a link that was given out a moment ago) is served as before.
 */
export class TlsFront {
  readonly #server;
  readonly #arriving = new Map<string, Arrival>();
  readonly #handshaking = new Map<string, Set<Socket>>();
  /** The one of now, and those before it, the latest first. */
  #certificates: readonly Loaded[] = [];
  #forgetting: NodeJS.Timeout | undefined;

  constructor({ tlsHandshakeMs, log }: TlsFrontOptions) {
    this.#server = createServer({
      ALPNProtocols: ["http/1.1"],
      handshakeTimeout: tlsHandshakeMs,
      // Of a name that none is for: the one of now.
      SNICallback: (name, done) => done(null, this.#certificates.find((each) => each.isFor(name))?.context),
    });
    this.#server.on("secureConnection", (socket) => {
      const name = nameOf(socket);
      const arrival = this.#arriving.get(name);
      this.#forget(name);
      if (arrival === undefined) socket.destroy();
      else arrival.taker.secure(socket, arrival.socket);
    });
    // Scanners, browsers that do not trust the certificate, and connections that break.
    this.#server.on("tlsClientError", (error, socket) => {
      log.debug({ error }, "A TLS handshake failed");
      socket.destroy();
    });
  }

  /** Whether connections that come now are to be TLS. */
  get isServing(): boolean {
    return this.#certificates.length > 0;
  }

  /**
   * Whether browsers may be told never to come without it again. Under the installation's own CA it would be a promise that
   * holds for those who trust that one, and a wall for the others once somebody has answered the warning.
   */
  get isLasting(): boolean {
    return this.#certificates[0]?.isPublic === true;
  }

  /** For connections to come. Where it throws, nothing has changed. */
  use(loaded: Loaded | undefined): void {
    if (loaded !== undefined) this.#server.setSecureContext(loaded.options);
    const before = this.#certificates.filter(({ id }) => id !== loaded?.id).slice(0, limits.before);
    this.#certificates = loaded === undefined ? [] : [loaded, ...before];
    clearTimeout(this.#forgetting);
    // The latest change counts for all of them.
    this.#forgetting = setTimeout(() => {
      this.#certificates = this.#certificates.slice(0, 1);
    }, limits.beforeMs);
    this.#forgetting.unref();
  }

  /** Waits for the first byte of a connection that has just been accepted. */
  take(socket: Socket, taker: Taker): void {
    const name = nameOf(socket);
    this.#arriving.set(name, { socket, taker, from: neighbourhood(peerOf(socket)) });
    socket.on("error", ignoreError);
    socket.once("close", () => {
      if (this.#arriving.get(name)?.socket === socket) this.#forget(name);
    });
    socket.once("readable", () => this.#look(name));
  }

  /** Ends whoever has not got through. */
  stop(): void {
    clearTimeout(this.#forgetting);
    for (const { socket } of this.#arriving.values()) socket.destroy();
  }

  #look(name: string): void {
    const arrival = this.#arriving.get(name);
    if (arrival === undefined) return;
    const { socket, taker, from } = arrival;
    const first: Buffer | null = socket.read(1);
    if (first === null) {
      socket.destroy();
      return;
    }
    socket.unshift(first);
    if (first[0] !== HELLO) {
      this.#forget(name);
      taker.plain(socket);
      return;
    }
    const neighbours = this.#handshaking.get(from) ?? new Set();
    this.#handshaking.set(from, neighbours.add(socket));
    const [oldest] = neighbours;
    if (neighbours.size > limits.handshakesPerAddress) oldest?.destroy();
    this.#server.emit("connection", socket);
  }

  #forget(name: string): void {
    const arrival = this.#arriving.get(name);
    if (arrival === undefined) return;
    this.#arriving.delete(name);
    const neighbours = this.#handshaking.get(arrival.from);
    neighbours?.delete(arrival.socket);
    if (neighbours?.size === 0) this.#handshaking.delete(arrival.from);
  }
}

/** TLS stands on the socket that was accepted, and tells the same of it. */
function nameOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
