import { type IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import { type WebSocket, WebSocketServer } from "ws";
import type { Log } from "#base/process/log.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import { LINK_CLOSE, LINK_PATHS, LINK_PROTOCOL, linkLimits } from "#wire/link.ts";
import { logProblem } from "../api/http-errors.ts";
import type { AnswerCall } from "./calls.ts";
import { Channel } from "./channel.ts";
import type { IdentifyNode } from "./node-identity.ts";

const limits = {
  /** A node that says nothing for so long is gone: longer than the longest interval between two heartbeats. */
  silenceMs: 75_000,
  /** For questions that are being answered when control stops. */
  finishMs: 5_000,
  /** For a node to close its side of a channel that control ends. */
  closingMs: 1_000,
} as const;

export interface ChannelsParts {
  readonly identifyNode: IdentifyNode;
  readonly answer: AnswerCall;
  readonly log: Log;
}

/** The channels that nodes have open to this control. */
export class Channels {
  readonly #parts: ChannelsParts;
  readonly #open = new Map<WebSocket, Channel>();
  readonly #server = new WebSocketServer(serverOptions());
  #closing = false;

  constructor(parts: ChannelsParts) {
    this.#parts = parts;
  }

  /** An upgrade of node:http. Refuses strangers before they can say anything. */
  async open(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on("error", () => socket.destroy());
    try {
      if (request.url !== LINK_PATHS.channel) throw new GatewayError("not_found");
      if (!(socket instanceof TLSSocket)) throw new GatewayError("node_refused");
      await this.#parts.identifyNode(socket);
      if (this.#closing) throw new GatewayError("control_unreachable");
      this.#server.handleUpgrade(request, socket, head, (webSocket) => this.#keep(webSocket, socket));
    } catch (thrown) {
      this.#refuse(request, socket, toGatewayError(thrown));
    }
  }

  /** Answers what was asked, within a bound, and closes all channels. */
  async close(): Promise<void> {
    this.#closing = true;
    const finished = Promise.all([...this.#open.values()].map(async (channel) => await channel.finish()));
    await atMost(limits.finishMs, finished);
    for (const webSocket of this.#open.keys()) webSocket.close(LINK_CLOSE.stopping);
    for (const webSocket of this.#open.keys()) webSocket.resume(); // Or the node's close is not heard.
  }

  #keep(webSocket: WebSocket, socket: TLSSocket): void {
    const { identifyNode, answer, log } = this.#parts;
    const identify = async () => await identifyNode(socket);
    this.#open.set(webSocket, new Channel(webSocket, { identify, answer, log }));
    webSocket.on("close", () => this.#open.delete(webSocket));
    socket.setTimeout(limits.silenceMs, () => webSocket.terminate());
  }

  #refuse(request: IncomingMessage, socket: Duplex, problem: GatewayError): void {
    logProblem(this.#parts.log, problem, "link");
    const response = new ServerResponse(request);
    response.assignSocket(socket as TLSSocket);
    response.on("finish", () => socket.destroy());
    response.writeHead(problem.status, { "content-type": "application/json", connection: "close" });
    response.end(JSON.stringify({ error: problem.toPublic() }));
  }
}

function serverOptions() {
  return {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    autoPong: false, // Nodes do not ping; one that does must not fill our memory with answers.
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
