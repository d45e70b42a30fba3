import { TLSSocket } from "node:tls";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import type { TSchema } from "typebox";
import type { Log } from "#base/process/log.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import {
  DeregisterRequest,
  HeartbeatRequest,
  JoinRequest,
  LINK_ROUTES,
  RedeemRequest,
  RegisterRequest,
  ReopenRequest,
  ReportRequest,
} from "#wire/link.ts";
import { answerBrokenRequest, answerErrors } from "../api/http-errors.ts";
import { arrivalLimits, boundConnections } from "../connection-limits.ts";
import type { Reopen } from "../consoles/reopen.ts";
import type { Join } from "../fleet/join.ts";
import type { Registry } from "../fleet/registry.ts";
import type { TakeReports } from "../sessions/reports.ts";
import type { Redeem } from "../tickets/redemption.ts";
import type { LinkCertificate } from "./link-certificate.ts";
import type { IdentifyNode } from "./node-identity.ts";

const limits = {
  /** A report request with all its reports takes about half of it. */
  bodyBytes: 1024 * 1024,
  handshakeMs: 10_000,
  /** Nodes keep their connections: longer than the longest interval between two reports. */
  keepAliveMs: 75_000,
  /** A node keeps a few for its bursts; this is room for hundreds of nodes. */
  connections: 4_000,
} as const;

/** What the routes hand on to. */
export interface LinkParts {
  readonly identifyNode: IdentifyNode;
  readonly join: Join;
  readonly registry: Registry;
  readonly redeem: Redeem;
  readonly reopen: Reopen;
  readonly takeReports: TakeReports;
  readonly log: Log;
}

/**
 * The node link's listener (wire/link.ts): HTTPS with mutual TLS. A connection may come without a certificate,
 * because a node that joins has none yet; every route but `join` refuses it.
 */
export function createLinkServer(parts: LinkParts, certificate: LinkCertificate): FastifyInstance {
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
    keepAliveTimeout: limits.keepAliveMs,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    clientErrorHandler: answerBrokenRequest,
  });
  boundConnections(app.server, limits.connections);
  answerErrors(app, parts.log);
  app.post<{ Body: JoinRequest }>(
    LINK_ROUTES.join,
    { schema: { body: JoinRequest } },
    async (request) => await parts.join(request.body),
  );
  nodeRoutes(app, parts);
  return app;
}

/** What only nodes may ask. The handler gets the node's id from its certificate, never from the request. */
function nodeRoutes(app: FastifyInstance, parts: LinkParts): void {
  const { identifyNode, registry, redeem, reopen, takeReports } = parts;
  app.decorateRequest("nodeId", "");
  const route = <Body>(
    url: string,
    body: TSchema,
    handle: (nodeId: string, body: Body) => Promise<unknown>,
  ) => {
    app.post(url, {
      schema: { body },
      // Before the body is read: strangers do not get to send any.
      onRequest: async (request) => {
        request.setDecorator("nodeId", await identifyNode(tlsSocket(request)));
      },
      handler: async (request) =>
        // The schema has just been checked.
        (await handle(request.getDecorator<string>("nodeId"), request.body as Body)) ?? {},
    });
  };

  route<RegisterRequest>(LINK_ROUTES.register, RegisterRequest, registry.register);
  route<HeartbeatRequest>(LINK_ROUTES.heartbeat, HeartbeatRequest, registry.heartbeat);
  route<DeregisterRequest>(LINK_ROUTES.deregister, DeregisterRequest, registry.deregister);
  route<RedeemRequest>(LINK_ROUTES.redeem, RedeemRequest, redeem);
  route<ReopenRequest>(LINK_ROUTES.reopen, ReopenRequest, async (_nodeId, body) => await reopen(body));
  route<ReportRequest>(LINK_ROUTES.report, ReportRequest, async (nodeId, { incarnation, reports }) => {
    await takeReports({ nodeId, incarnation }, reports);
  });
}

function tlsSocket(request: FastifyRequest): TLSSocket {
  const { socket } = request.raw;
  if (socket instanceof TLSSocket) return socket;
  throw new GatewayError("node_refused");
}
