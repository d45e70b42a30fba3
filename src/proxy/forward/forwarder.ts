import { type IncomingMessage, request as openRequest, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { pipeline } from "node:stream/promises";
import type { TLSSocket } from "node:tls";
import type { HostPort } from "#base/config.ts";
import type { Log } from "#base/process/log.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { ticketNode } from "#wire/ticket.ts";
import type { Knock } from "../console/door.ts";
import { withDeadline } from "../deadline.ts";
import type { Deadlines } from "../deadlines.ts";
import { isForwarded, viewerOf } from "../http/viewer-address.ts";
import { ignoreError } from "../ignore-error.ts";
import { Tally } from "../tally.ts";
import type { HopCredentials } from "./credentials.ts";
import { dialNode, firstBytes } from "./hop.ts";
import { headersOnward, requestHead } from "./hop-request.ts";
import type { Peer, Peers } from "./peers.ts";
import { Splice } from "./splice.ts";

export interface ForwarderOptions {
  readonly log: Log;
  readonly credentials: HopCredentials;
  readonly peers: Peers;
  readonly deadlines: Deadlines;
  /** Connections that are handed on at once. */
  readonly maximum: number;
  /** Why nothing more is handed on, if so. */
  readonly refusal: () => GatewayError | undefined;
  /** This node's; undefined before control has told it. */
  readonly nodeId: () => string | undefined;
}

/**
 * Hands on what is meant for another node of the pool, so that every node is an entrance to all. It reads nothing of it:
 * the addressee opens the ticket, redeems it, and says what there is to say.
 */
export class Forwarder {
  readonly #options: ForwarderOptions;
  readonly #splices = new Set<Splice>();
  readonly #lifetime = new AbortController();
  /** What has not begun to be answered. */
  readonly #waiting = new Set<AbortController>();
  readonly #ticker: NodeJS.Timeout;
  readonly #tally = new Tally();

  constructor(options: ForwarderOptions) {
    this.#options = options;
    this.#ticker = setInterval(() => this.#lookAfterAll(), options.deadlines.pingMs);
    this.#ticker.unref();
  }

  /** What is being handed on now. */
  get size(): number {
    return this.#tally.size;
  }

  /** Resolves when nothing is handed on, or when the signal aborts. */
  async untilEmpty(signal: AbortSignal): Promise<void> {
    await this.#tally.untilEmpty(signal);
  }

  /** The other node that a ticket names; `undefined` where there is none, so that it is for this one to judge. */
  async addressee(ticket: string | undefined, socket: Socket): Promise<Peer | undefined> {
    const own = this.#options.nodeId();
    if (ticket === undefined || own === undefined || isForwarded(socket)) return undefined;
    const node = ticketNode(ticket);
    return node === undefined || node === own ? undefined : await this.#options.peers.find(node);
  }

  /** Resolves when the addressee has begun to answer, or the viewer is gone. Throws a GatewayError where it has not. */
  async upgrade({ request, socket, head }: Knock, peer: Peer): Promise<void> {
    const leave = this.#enter();
    let isSpliced = false;
    const waiting = new AbortController();
    const { signal } = waiting;
    const abort = () => waiting.abort(new GatewayError("viewer_lost"));
    socket.once("close", abort);
    this.#waiting.add(waiting);
    try {
      const hop = await this.#reach(peer, signal);
      try {
        hop.write(requestHead(request, viewerOf(request)), "latin1");
        if (head.length > 0) hop.write(head);
        socket.write(await this.#answerOf(hop, peer, signal));
        isSpliced = true;
        this.#splice(socket, hop, leave);
      } finally {
        if (!isSpliced) hop.destroy();
      }
    } catch (error) {
      if (!socket.destroyed) throw error;
    } finally {
      this.#waiting.delete(waiting);
      socket.off("close", abort);
      if (!isSpliced) leave();
    }
  }

  /** A request that is answered in one piece. Throws a GatewayError where the answer does not arrive as a whole. */
  async request(request: IncomingMessage, response: ServerResponse, peer: Peer): Promise<void> {
    const leave = this.#enter();
    const waiting = new AbortController();
    const { signal } = waiting;
    const abort = () => waiting.abort(new GatewayError("viewer_lost"));
    response.once("close", abort);
    this.#waiting.add(waiting);
    try {
      const hop = await this.#reach(peer, signal);
      try {
        await withDeadline(this.#options.deadlines.answerMs, signal, async (limited) => {
          const answer = await exchange(request, hop, limited);
          response.writeHead(answer.statusCode ?? 502, headersOnward(answer));
          await pipeline(answer, response, { signal: limited });
        });
      } catch (cause) {
        signal.throwIfAborted();
        throw this.#lost(peer, cause);
      } finally {
        hop.destroy();
      }
    } finally {
      this.#waiting.delete(waiting);
      response.off("close", abort);
      leave();
    }
  }

  /** Hands nothing on any more, and cuts what was. */
  stop(): void {
    clearInterval(this.#ticker);
    const reason = new GatewayError("node_stopping");
    this.#lifetime.abort(reason);
    for (const waiting of this.#waiting) waiting.abort(reason);
    for (const splice of this.#splices) splice.cut();
  }

  /** A connection to the addressee, wherever control says that it is. Throws a GatewayError; nothing was said to it. */
  async #reach(peer: Peer, signal: AbortSignal): Promise<TLSSocket> {
    try {
      return await this.#dial(peer, signal);
    } catch (error) {
      signal.throwIfAborted();
      const moved = await this.#options.peers.findAnew(peer.nodeId);
      if (moved === undefined || isSame(moved.address, peer.address)) throw this.#away(peer, error);
      return await this.#dial(moved, signal).catch((cause: unknown) => {
        signal.throwIfAborted();
        throw this.#away(peer, cause);
      });
    }
  }

  async #dial(peer: Peer, signal: AbortSignal): Promise<TLSSocket> {
    const { credentials, deadlines } = this.#options;
    return await dialNode(peer, { credentials, deadlineMs: deadlines.forwardMs, signal });
  }

  async #answerOf(hop: TLSSocket, peer: Peer, signal: AbortSignal): Promise<Buffer> {
    const { deadlines } = this.#options;
    // The addressee asks control in between, which may take its time.
    const deadlineMs = deadlines.forwardMs + deadlines.redeemMs;
    try {
      return await firstBytes(hop, { deadlineMs, signal });
    } catch (cause) {
      signal.throwIfAborted();
      throw this.#lost(peer, cause);
    }
  }

  #splice(viewer: Socket, hop: TLSSocket, leave: () => void): void {
    viewer.setNoDelay(true);
    const splice = new Splice([viewer, hop], this.#options.deadlines, (closed) => {
      this.#splices.delete(closed);
      leave();
    });
    this.#splices.add(splice);
    if (this.#lifetime.signal.aborted) splice.cut();
  }

  #enter(): () => void {
    this.#lifetime.signal.throwIfAborted();
    const refusal = this.#options.refusal();
    if (refusal !== undefined) throw refusal;
    if (this.#tally.size >= this.#options.maximum) throw new GatewayError("node_full");
    return this.#tally.enter();
  }

  /** The ticket has not left this node. */
  #away({ nodeId }: Peer, cause: unknown): GatewayError {
    this.#options.log.warn({ nodeId, error: cause }, "Another node cannot be reached");
    return new GatewayError("node_away", { cause });
  }

  /** The ticket may have been used. */
  #lost({ nodeId }: Peer, cause: unknown): GatewayError {
    this.#options.log.warn({ nodeId, error: cause }, "Another node did not answer");
    return new GatewayError("node_lost", { cause });
  }

  #lookAfterAll(): void {
    const now = performance.now();
    for (const splice of this.#splices) splice.lookAfter(now);
  }
}

function isSame(one: HostPort, other: HostPort): boolean {
  return one.host === other.host && one.port === other.port;
}

async function exchange(
  request: IncomingMessage,
  hop: TLSSocket,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = openRequest({
    createConnection: () => hop,
    method: request.method,
    path: request.url,
    headers: headersOnward(request, viewerOf(request)),
    setDefaultHeaders: false,
    signal,
  });
  sent.once("response", resolve).on("error", reject).on("error", ignoreError);
  sent.end();
  return await promise;
}
