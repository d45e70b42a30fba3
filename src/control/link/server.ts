import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";
import fastify, { type FastifyInstance } from "fastify";
import { isAnswering } from "#base/process/broken-request.ts";
import type { Log } from "#base/process/log.ts";
import { Strangers } from "#base/process/strangers.ts";
import { JoinRequest, LINK_PATHS, type LinkCall } from "#wire/link.ts";
import { answerBrokenRequest, answerErrors } from "../api/http-errors.ts";
import { callerAddress } from "../api/origins.ts";
import { arrivalLimits, boundConnections } from "../connection-limits.ts";
import type { Join } from "../fleet/join.ts";
import { type CallParts, createCalls } from "./calls.ts";
import { Channels, type ChannelsDeadlines } from "./channels.ts";
import { Commands, type CommandsParts } from "./commands.ts";
import type { LinkCertificate } from "./link-certificate.ts";
import type { IdentifyNode } from "./node-identity.ts";

const limits = {
  /** A request to join; the channel has limits of its own. */
  bodyBytes: 64 * 1024,
  handshakeMs: 10_000,
  connections: {
    /** Each node keeps one, and a moment longer where it has lost it without a word. */
    channels: 4_000,
    /** Beside those, and no node's yet: so many nodes may come at once when another replica is lost. */
    strangers: 2_000,
  },
} as const;

/** Asked with the new one of two certificates, the old one is good no more. */
const SETTLES: ReadonlySet<string> = new Set<LinkCall>(["register", "renew", "renewed"]);

/** What the link hands on to. */
export interface LinkParts extends CallParts, Omit<CommandsParts, "held"> {
  readonly identifyNode: IdentifyNode;
  readonly join: Join;
  readonly log: Log;
  readonly deadlines?: ChannelsDeadlines;
  readonly connections?: LinkConnections;
}

/** How many connections there may be. */
interface LinkConnections {
  readonly channels: number;
  readonly strangers: number;
}

/**
 * The node link's listener (wire/link.ts): HTTPS with mutual TLS. A connection may come without a certificate,
 * because a node that joins has none yet; there is nothing but `join` for it.
 */
export function createLinkServer(
  parts: LinkParts,
  certificate: LinkCertificate,
): { readonly app: FastifyInstance; readonly channels: () => number } {
  const app = fastify({
    https: {
      ...certificate,
      ...arrivalLimits,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: "TLSv1.3",
      handshakeTimeout: limits.handshakeMs,
    },
    logger: false,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    bodyLimit: limits.bodyBytes,
    requestTimeout: arrivalLimits.requestTimeout,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    clientErrorHandler: answerBrokenRequest,
  });
  const most = parts.connections ?? limits.connections;
  const strangers = new Strangers(most.strangers);
  app.server.on("connection", (socket: Socket) => strangers.enter(socket));
  boundConnections(app.server, most.channels + most.strangers);
  answerErrors(app, parts.log);
  app.post<{ Body: JoinRequest }>(
    LINK_PATHS.join,
    { schema: { body: JoinRequest } },
    async (request) => await parts.join(request.body, callerAddress(request)),
  );
  const calls = createCalls(parts);
  const channels = new Channels({
    ...parts,
    answer: async ({ nodeId, fingerprint, isNext }, question) => {
      if (isNext && SETTLES.has(question.call)) await parts.renewal.settle(nodeId, fingerprint);
      const answer = await calls(nodeId, question);
      // What it was not told while nobody held its channel.
      if (question.call === "register" || question.call === "heartbeat") commands.look(nodeId);
      return answer;
    },
  });
  const commands: Commands = new Commands({ ...parts, held: channels });
  app.server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    // On this listener all are TLS; the type says Duplex. Behind a request that is not answered, nothing can be said.
    if (!(socket instanceof TLSSocket) || isAnswering(request)) socket.destroy();
    else
      void channels
        .open(request, socket, head)
        .then((isKept) => {
          if (isKept) strangers.leave(socket);
        })
        .catch((error: unknown) => {
          parts.log.error({ error }, "A channel could not be opened");
          socket.destroy();
        });
  });
  app.addHook("preClose", async () => {
    await commands.stop();
    await channels.close();
  });
  return { app, channels: () => channels.size };
}
