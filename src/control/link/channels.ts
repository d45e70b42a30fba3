import { randomUUID } from "node:crypto";
import { type IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import { type WebSocket, WebSocketServer } from "ws";
import type { Log } from "#base/process/log.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import { LINK_CLOSE, LINK_PATHS, LINK_PROTOCOL, type LinkCommand, linkLimits } from "#wire/link.ts";
import { checkWebSocketHandshake } from "#wire/websocket-handshake.ts";
import { logProblem } from "../api/http-errors.ts";
import { type AnswerPeer, Channel } from "./channel.ts";
import type { IdentifyNode } from "./node-identity.ts";

/** In milliseconds. */
export interface ChannelsDeadlines {
  /** A node that says nothing for so long is gone: longer than the longest interval between two heartbeats. */
  readonly silenceMs: number;
  /** For questions that are being answered when control stops. */
  readonly finishMs: number;
}

const DEADLINES: ChannelsDeadlines = { silenceMs: 75_000, finishMs: 5_000 };

const limits = {
  /** The one that a node asks on, and one that it has lost without a word. */
  channelsOfNode: 2,
  /** For a node to close its side of a channel that control ends. */
  closingMs: 1_000,
} as const;

export interface ChannelsParts {
  readonly identifyNode: IdentifyNode;
  readonly answer: AnswerPeer;
  readonly log: Log;
  /** Others than control has, where a test says so. */
  readonly deadlines?: ChannelsDeadlines;
}

/** The channels that nodes have open to this control. */
export class Channels {
  readonly #parts: ChannelsParts;
  readonly #deadlines: ChannelsDeadlines;
  readonly #open = new Map<WebSocket, Channel>();
  /** The oldest first. */
  readonly #byNode = new Map<string, readonly Kept[]>();
  readonly #server = new WebSocketServer(serverOptions());
  #closing = false;

  constructor(parts: ChannelsParts) {
    this.#parts = parts;
    this.#deadlines = parts.deadlines ?? DEADLINES;
  }

  /** How many are open. */
  get size(): number {
    return this.#open.size;
  }

  /** An upgrade of node:http. Refuses strangers before they can say anything. Resolves to whether it is a channel now. */
  async open(request: IncomingMessage, socket: TLSSocket, head: Buffer): Promise<boolean> {
    socket.on("error", () => socket.destroy());
    try {
      if (request.url !== LINK_PATHS.channel) throw new GatewayError("not_found");
      const { nodeId } = await this.#parts.identifyNode(socket);
      checkHandshake(request);
      if (this.#closing) throw new GatewayError("control_unreachable");
      this.#server.handleUpgrade(request, socket, head, (webSocket) =>
        this.#keep({ nodeId, webSocket, socket }),
      );
      return true;
    } catch (thrown) {
      this.#refuse(request, socket, toGatewayError(thrown));
      return false;
    }
  }

  /** The nodes whose channels are open here. */
  nodeIds(): Iterable<string> {
    return this.#byNode.keys();
  }

  holds(nodeId: string): boolean {
    return this.#byNode.has(nodeId);
  }

  /** Closes the channels of a node that is refused by now. */
  async judge(nodeId: string): Promise<void> {
    const all = this.#byNode.get(nodeId) ?? [];
    await Promise.all(all.map(async ({ channel }) => await channel.judge()));
  }

  /** Gives a node a command, over the channel that it opened last. Resolves and throws as `Channel.command`. */
  async ask(nodeId: string, command: LinkCommand, body: unknown, signal: AbortSignal): Promise<unknown> {
    const channel = this.#byNode.get(nodeId)?.at(-1)?.channel;
    if (channel === undefined) throw new GatewayError("node_lost");
    return await channel.command(command, body, signal);
  }

  /** Answers what was asked, within a bound, and closes all channels. */
  async close(): Promise<void> {
    this.#closing = true;
    const finished = Promise.all([...this.#open.values()].map(async (channel) => await channel.finish()));
    await atMost(this.#deadlines.finishMs, finished);
    for (const webSocket of this.#open.keys()) webSocket.close(LINK_CLOSE.stopping);
    for (const webSocket of this.#open.keys()) webSocket.resume(); // Or the node's close is not heard.
  }

  #keep({ nodeId, webSocket, socket }: Opened): void {
    const { identifyNode, answer, log } = this.#parts;
    const identify = async () => await identifyNode(socket);
    const others = this.#byNode.get(nodeId) ?? [];
    const surplus = Math.max(0, others.length + 1 - limits.channelsOfNode);
    for (const oldest of others.slice(0, surplus)) oldest.webSocket.terminate();
    const channel = new Channel(webSocket, { identify, answer, log: log.child({ nodeId }) });
    this.#open.set(webSocket, channel);
    this.#byNode.set(nodeId, [...others, { webSocket, channel }]);
    webSocket.on("close", () => this.#forget(nodeId, webSocket));
    socket.setTimeout(this.#deadlines.silenceMs, () => webSocket.terminate());
  }

  #forget(nodeId: string, webSocket: WebSocket): void {
    this.#open.delete(webSocket);
    const left = this.#byNode.get(nodeId)?.filter((kept) => kept.webSocket !== webSocket) ?? [];
    if (left.length === 0) this.#byNode.delete(nodeId);
    else this.#byNode.set(nodeId, left);
  }

  #refuse(request: IncomingMessage, socket: TLSSocket, problem: GatewayError): void {
    const reference = randomUUID();
    logProblem(this.#parts.log, problem, reference);
    const response = new ServerResponse(request);
    response.assignSocket(socket);
    response.on("finish", () => socket.destroySoon());
    response.writeHead(problem.status, { "content-type": "application/json", connection: "close" });
    response.end(JSON.stringify({ error: problem.toPublic(reference) }));
  }
}

interface Kept {
  readonly webSocket: WebSocket;
  readonly channel: Channel;
}

interface Opened {
  readonly nodeId: string;
  readonly webSocket: WebSocket;
  readonly socket: TLSSocket;
}

function checkHandshake(request: IncomingMessage): void {
  checkWebSocketHandshake(request);
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
  if (!offered.includes(LINK_PROTOCOL))
    throw new GatewayError("request_invalid", { detail: `the sub-protocol must be ${LINK_PROTOCOL}` });
}

function serverOptions() {
  return {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    autoPong: false, // The channel answers, within a bound.
    maxPayload: linkLimits.frameBytes,
    handleProtocols: (offered: Set<string>) => (offered.has(LINK_PROTOCOL) ? LINK_PROTOCOL : false),
    closeTimeout: limits.closingMs, // Not in the types yet, so this cannot stand where it is used.
  } as const;
}

/** Resolves when the work is done, or after so many milliseconds. */
async function atMost(milliseconds: number, work: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, milliseconds);
  await Promise.race([work, late]);
  clearTimeout(timer);
}
