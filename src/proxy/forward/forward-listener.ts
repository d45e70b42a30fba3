import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer, type Server } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { ConfigError, formatHostPort, type HostPort } from "#base/config.ts";
import type { Log } from "#base/process/log.ts";
import { Strangers } from "#base/process/strangers.ts";
import type { Handlers } from "../http/listener.ts";
import { requestLimits, requestOptions } from "../http/request-options.ts";
import { vouchFor } from "../http/viewer-address.ts";
import { ignoreError } from "../ignore-error.ts";
import { type HopCredentials, nodeAt } from "./credentials.ts";
import { takeViewer } from "./hop-request.ts";

const limits = {
  /** Connections that carry no console yet, or none any more, beside those that do. */
  arriving: 1024,
  /** Connections that have shown no certificate yet. The port is where strangers can reach it, too. */
  strangers: 1024,
  /** What the node that hands something on adds to its headers. */
  addedHeaderBytes: 128,
  addedHeaders: 1,
} as const;

export interface ForwardListenerOptions {
  readonly address: HostPort;
  readonly credentials: HopCredentials;
  readonly maxSessions: number;
  /** How long a TLS handshake may take. */
  readonly forwardMs: number;
  readonly log: Log;
  /** Whether a node belongs to this node's pool. */
  readonly isPeer: (nodeId: string) => Promise<boolean>;
}

/**
 * Where other nodes of the pool hand on what is meant for this one: HTTPS with mutual TLS, under the certificates that
 * the installation's CA gave them. Who shows none is gone with the handshake; control, other installations' nodes and
 * nodes of other pools are hung up on without a word.
 */
export class ForwardListener {
  readonly #server: Server;
  readonly #options: ForwardListenerOptions;
  readonly #closed: Promise<unknown>;

  private constructor(server: Server, options: ForwardListenerOptions) {
    this.#server = server;
    this.#options = options;
    this.#closed = once(server, "close");
  }

  /** Throws a ConfigError where it cannot listen. */
  static async open(options: ForwardListenerOptions): Promise<ForwardListener> {
    const { address, credentials, maxSessions, forwardMs, log } = options;
    const server = createServer({
      ...requestOptions(limits.addedHeaderBytes),
      ...secured(credentials),
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: forwardMs,
    });
    const strangers = new Strangers(limits.strangers);
    server.on("connection", (socket: Socket) => strangers.enter(socket));
    server.on("secureConnection", (socket) => strangers.leave(socket));
    server.maxConnections = maxSessions + limits.arriving + limits.strangers;
    server.maxHeadersCount = requestLimits.headersRead + limits.addedHeaders;
    // Nodes send what they have parsed themselves; whoever sends something else is hung up on.
    server.on("clientError", (_error, socket) => socket.destroy());
    server.on("tlsClientError", (error) => log.debug({ error }, "A hop was refused"));
    server.listen({ host: address.host, port: address.port });
    try {
      await once(server, "listening");
    } catch (error) {
      const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
      throw new ConfigError([`cannot listen on ${formatHostPort(address)} for other nodes: ${reason}`]);
    }
    server.on("error", (error) => log.error({ error }, "Listener for other nodes failed"));
    return new ForwardListener(server, options);
  }

  get address(): HostPort {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the listener is closed");
    return { host: address.address, port: address.port };
  }

  /** To be called at once: who asks before is left without an answer. */
  serve({ request, upgrade }: Handlers): void {
    this.#server.on("request", (message, response) => {
      void this.#admit(message).then((isAdmitted) => {
        if (isAdmitted) request(message, response);
      });
    });
    // All are TLSSockets here; the type says Duplex for servers whose are not.
    this.#server.on("upgrade", (message: IncomingMessage, socket, head: Buffer) => {
      socket.on("error", ignoreError);
      void this.#admit(message).then((isAdmitted) => {
        if (isAdmitted) upgrade(message, socket as Socket, head);
      });
    });
  }

  /** Shows what the credentials are now to whoever connects from here on. */
  renew(): void {
    this.#server.setSecureContext(secured(this.#options.credentials));
  }

  /** Takes no more connections, and ends those that carry no WebSocket. */
  stopListening(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** After `stopListening`: resolves when the connections with a WebSocket are gone too. */
  async closed(): Promise<void> {
    await this.#closed;
  }

  async #admit(request: IncomingMessage): Promise<boolean> {
    const socket = request.socket as TLSSocket;
    const viewer = takeViewer(request);
    const nodeId = nodeAt(socket, this.#options.credentials);
    const isPeer = nodeId !== undefined && (await this.#options.isPeer(nodeId));
    if (isPeer && viewer !== undefined) {
      vouchFor(socket, viewer);
      return true;
    }
    this.#options.log.warn({ nodeId, from: socket.remoteAddress }, "Something was handed on by who may not");
    socket.destroy();
    return false;
  }
}

function secured({ own }: HopCredentials) {
  return { ca: own.authority, cert: own.certificate, key: own.privateKey, minVersion: "TLSv1.3" } as const;
}
