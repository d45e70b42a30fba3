import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { ConfigError, formatHostPort, type HostPort } from "#base/config.ts";
import { followExchanges, isAnswering, refuseBrokenRequest } from "#base/process/broken-request.ts";
import type { Log } from "#base/process/log.ts";
import { brokenRequestAnswer } from "#wire/broken-request.ts";
import { isTrusted, type TrustedProxies } from "#wire/trusted-proxies.ts";
import { ignoreError } from "../ignore-error.ts";
import { HELLO, type TlsFront } from "../tls/front.ts";
import { HSTS, isSecure } from "../tls/require-tls.ts";
import { Guests, type GuestsOptions } from "./guests.ts";
import { takeProxyHeader } from "./proxy-protocol.ts";
import { requestLimits, requestOptions } from "./request-options.ts";
import { announce, announceAs, believeProxies, isSecuredAhead } from "./viewer-address.ts";

export interface ListenerOptions extends GuestsOptions {
  readonly addresses: readonly HostPort[];
  /** Where nobody said that it is to listen. Where one of them is another's, it does without all of them. */
  readonly unasked: readonly HostPort[];
  /** Beside other processes that say so too; the system spreads connections over them. */
  readonly reusePort: boolean;
  /** What a front proxy has put before the node's paths, which it may have taken away again. */
  readonly publicPath: string | null;
  readonly trustedProxies: TrustedProxies;
  /** Whether the trusted proxies say whose a connection is before its own first byte. */
  readonly proxyProtocol: boolean;
  readonly tls: TlsFront;
  readonly log: Log;
}

export interface Handlers {
  readonly request: (request: IncomingMessage, response: ServerResponse) => void;
  /** A request that came without TLS where that is wanted. */
  readonly unsecured: (request: IncomingMessage, response: ServerResponse) => void;
  readonly upgrade: (request: IncomingMessage, socket: Socket, head: Buffer) => void;
}

/** Reads HTTP from a connection: what Node's own server does with each that it accepts. */
type ReadHttp = (socket: Socket) => void;

/**
 * The node's front: HTTP on its ports, where each serves both the pages and the WebSocket, plain or by TLS, as the node
 * does when a connection comes. It bounds the connections that ask or do nothing; those that want a console are the door's
 * to bound once they have said so.
 */
export class Listener {
  readonly #servers: readonly Server[];
  readonly #guests: Guests;
  readonly #options: ListenerOptions;
  readonly #tls: TlsFront;
  readonly #closed: readonly Promise<unknown>[];
  /** Connections of proxies that have not said whose they are. */
  readonly #unannounced = new Set<Socket>();

  private constructor(servers: readonly Server[], options: ListenerOptions) {
    this.#servers = servers;
    this.#guests = new Guests(options);
    this.#options = options;
    this.#tls = options.tls;
    this.#closed = servers.map((server) => once(server, "close"));
    for (const server of servers) this.#receive(server);
  }

  /** Resolves when every address is listened on. Throws a ConfigError, with all closed, when one that was asked for cannot be. */
  static async open(options: ListenerOptions): Promise<Listener> {
    const servers = await listenAll(options.addresses, options);
    const unasked = await listenAll(options.unasked, options).catch((error: unknown) => {
      options.log.warn(
        { error },
        "TLS has no ports of its own and is served on those for plain HTTP; --tls-listen names others",
      );
      return [];
    });
    return new Listener([...servers, ...unasked], options);
  }

  /** The addresses in the order in which they were asked for, with the ports that the system gave. */
  get addresses(): readonly HostPort[] {
    return this.#servers.map((server) => {
      const address = server.address();
      if (address === null || typeof address === "string") throw new Error("the listener is closed");
      return { host: address.address, port: address.port };
    });
  }

  /** To be called at once: who asks before is left without an answer. */
  serve({ request, unsecured, upgrade }: Handlers): void {
    const guests = this.#guests;
    for (const server of this.#servers) {
      server.on("request", (message, response) => {
        this.#arrive(message);
        const { socket } = message;
        guests.asks(socket);
        response.once("close", () => guests.isAnswered(socket));
        if (isSecure(socket)) {
          if (this.#tls.isLasting) response.setHeader(HSTS.name, HSTS.value);
          request(message, response);
        } else if (this.#tls.isServing && !isSecuredAhead(message)) unsecured(message, response);
        else request(message, response);
      });
      // What was accepted is a net.Socket, and so is TLS on it; the type says Duplex for servers that are given others.
      server.on("upgrade", (message: IncomingMessage, socket, head: Buffer) => {
        this.#arrive(message);
        guests.leave(socket as Socket);
        if (isAnswering(message)) socket.destroy();
        else upgrade(message, socket as Socket, head);
      });
    }
  }

  /** Before anybody reads of it where it comes from, and what it is for. */
  #arrive(message: IncomingMessage): void {
    const { trustedProxies, publicPath } = this.#options;
    believeProxies(message, trustedProxies);
    if (publicPath !== null && message.url?.startsWith(`${publicPath}/`) === true)
      message.url = message.url.slice(publicPath.length);
  }

  /** Takes no more connections, and ends those that carry no WebSocket. */
  stopListening(): void {
    for (const server of this.#servers) {
      server.close();
      server.closeAllConnections();
    }
    for (const socket of this.#unannounced) socket.destroy();
    this.#tls.stop();
    this.#guests[Symbol.dispose]();
  }

  /** After `stopListening`: resolves when the connections with a WebSocket are gone too. */
  async closed(): Promise<void> {
    await Promise.all(this.#closed);
  }

  /**
   * What is accepted is looked at before HTTP is read from it. Node's own handler of `connection` is the one that reads;
   * that it takes any connection it is given is documented.
   */
  #receive(server: Server): void {
    const guests = this.#guests;
    const readers = server.listeners("connection") as ReadHttp[];
    const read: ReadHttp = (socket) => {
      for (const reader of readers) reader.call(server, socket);
    };
    const taker = {
      plain: read,
      secure: (socket: TLSSocket, under: Socket) => {
        guests.leave(under);
        announceAs(under, socket);
        guests.enter(socket);
        read(socket);
      },
    };
    const begin = (socket: Socket) => {
      if (this.#tls.isServing) this.#tls.take(socket, taker);
      else read(socket);
    };
    server.removeAllListeners("connection");
    server.on("connection", (socket: Socket) => {
      guests.enter(socket);
      const { proxyProtocol, trustedProxies } = this.#options;
      const isAnnounced = proxyProtocol && isTrusted(trustedProxies, socket.remoteAddress ?? "");
      if (isAnnounced) void this.#beginAnnounced(socket, begin);
      else begin(socket);
    });
  }

  /** Without the header it would be the proxy that is taken for the viewer. */
  async #beginAnnounced(socket: Socket, begin: (socket: Socket) => void): Promise<void> {
    const { log, firstByteMs } = this.#options;
    const late = setTimeout(() => socket.destroy(), firstByteMs);
    this.#unannounced.add(socket);
    socket.on("error", ignoreError);
    try {
      announce(socket, await takeProxyHeader(socket));
      if (socket.destroyed) return;
      // From here on it is the viewer's, and counts as his.
      this.#guests.leave(socket);
      this.#guests.enter(socket);
      begin(socket);
    } catch (error) {
      log.info({ error, from: socket.remoteAddress }, "A trusted proxy's connection was refused");
      socket.destroy();
    } finally {
      clearTimeout(late);
      this.#unannounced.delete(socket);
    }
  }
}

/** Of node:http. */
interface BrokenRequest extends NodeJS.ErrnoException {
  readonly rawPacket?: Buffer;
}

/** On all of them, or, where one throws, on none. */
async function listenAll(addresses: readonly HostPort[], options: ListenerOptions): Promise<Server[]> {
  const servers: Server[] = [];
  try {
    for (const address of addresses) servers.push(await listen(address, options));
    return servers;
  } catch (error) {
    for (const server of servers) server.close();
    throw error;
  }
}

async function listen(address: HostPort, { log, reusePort }: ListenerOptions): Promise<Server> {
  const server = createServer(requestOptions());
  server.maxHeadersCount = requestLimits.headersRead;
  followExchanges(server);
  // The type says Duplex for what is no plain HTTP server.
  server.on("clientError", (error: BrokenRequest, socket) => {
    // Who speaks TLS where it is not served would not read an answer.
    if (error.rawPacket?.[0] === HELLO) socket.destroy();
    else refuseBrokenRequest(error, socket as Socket, brokenRequestAnswer(error.code));
  });
  server.listen({ host: address.host, port: address.port, reusePort });
  try {
    await once(server, "listening");
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new ConfigError([`cannot listen on ${formatHostPort(address)}: ${reason}`]);
  }
  server.on("error", (error) => log.error({ error }, "Listener failed"));
  return server;
}
