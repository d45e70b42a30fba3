import cookie from "@fastify/cookie";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { followExchanges } from "#base/process/broken-request.ts";
import type { Log } from "#base/process/log.ts";
import { drawRandom } from "#base/process/random.ts";
import type { Tracing } from "#base/process/tracing/tracing.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { TrustedProxies } from "#wire/trusted-proxies.ts";
import { arrivalLimits, boundConnections } from "../connection-limits.ts";
import { traceRequests } from "../observe/request-traces.ts";
import type { Services } from "../services.ts";
import type { SettingValues } from "../settings/settings.ts";
import { cloudStackApi } from "./cloudstack/cloudstack.ts";
import { asMeant } from "./cloudstack/console-page.ts";
import type { FailureLimit } from "./failure-limit.ts";
import { answerBadAddress, answerBrokenRequest, answerErrors } from "./http-errors.ts";
import { identityApi } from "./identity/identity.ts";
import { imagesApi } from "./identity/images.ts";
import { invalidRequest } from "./invalid-request.ts";
import { nativeApi } from "./native/native.ts";
import type { NobodysToken } from "./nova/nobodys-token.ts";
import { novaApi } from "./nova/nova.ts";
import { believeProxies, createOrigins } from "./origins.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";
import { sharedSerializers } from "./serializers.ts";
import { validatorsOnUse } from "./validators.ts";
import { webPages } from "./web/web.ts";

const limits = {
  /** Of a request's body; the largest that is taken, a setting's value, has 4 096 characters. */
  bodyBytes: 64 * 1024,
  /** An idle connection is kept for the next request. */
  keepAliveMs: 72_000,
  /** Of one part of a path: tickets, which Nova's clients put there, have some 500 characters; names in UTF-8, encoded, 1 536. */
  pathPartCharacters: 2048,
  /** Browsers and portals at once, through a reverse proxy or without. */
  connections: 10_000,
} as const;

interface ServerOptions {
  readonly services: Services;
  readonly values: SettingValues;
  readonly log: Log;
  /** Where control is reached, as the operator configured it; read at every request. See createOrigins. */
  readonly origins: readonly string[];
  readonly trustedProxies: TrustedProxies;
  readonly tracing?: Tracing | undefined;
  /** Of all listeners together. */
  readonly failures: FailureLimit;
}

interface ApiServerOptions extends ServerOptions {
  /** The operator pages as Vite built them; without them only the APIs are served. */
  readonly webRoot: string | undefined;
  readonly version: string;
}

interface NovaServerOptions extends ServerOptions {
  /** Where clients may act at this port that bring no token. */
  readonly nobodysToken?: NobodysToken | undefined;
}

/** Where the Nova API, the identity API and the list of images stand beside the others. */
const NOVA_PREFIX = "/compute";
const IDENTITY_PREFIX = "/identity";
const IMAGE_PREFIX = "/image";

/** Everything that control serves over HTTP: its APIs and the operator's pages. */
export function createApiServer({ webRoot, version, ...options }: ApiServerOptions): FastifyInstance {
  const { app, deps } = createServer(options);
  answerErrors(app, options.log);
  app.register(cookie);
  app.register(nativeApi, { ...deps, version });
  app.register(cloudStackApi, deps);
  registerOpenStack(app, deps, NOVA_PREFIX);
  app.register(webPages, { ...deps, webRoot });
  return app;
}

/** The Nova API by itself, for clients that are to be told of a port and not of a path. */
export function createNovaServer({ nobodysToken, ...options }: NovaServerOptions): FastifyInstance {
  const { app, deps } = createServer(options);
  followExchanges(app.server);
  registerOpenStack(app, { ...deps, nobodysToken }, "");
  return app;
}

/** The Nova API at a prefix, and the identity API beside it: each says where the other is. */
function registerOpenStack(
  app: FastifyInstance,
  { ourOrigin, ...deps }: ReturnType<typeof createServer>["deps"] & Pick<NovaServerOptions, "nobodysToken">,
  prefix: string,
): void {
  const identityUrl = (request: FastifyRequest) => `${ourOrigin(request)}${IDENTITY_PREFIX}/v3`;
  const computeUrl = (request: FastifyRequest) => `${ourOrigin(request)}${prefix}/v2.1`;
  const imageUrl = (request: FastifyRequest) => `${ourOrigin(request)}${IMAGE_PREFIX}/v2`;
  app.register(novaApi, { ...deps, ourOrigin, identityUrl, prefix });
  app.register(identityApi, { ...deps, ourOrigin, computeUrl, imageUrl, prefix: IDENTITY_PREFIX });
  app.register(imagesApi, { ...deps, ourOrigin, identityUrl, prefix: IMAGE_PREFIX });
}

/** What every listener of control's has. */
function createServer({ services, values, log, origins, trustedProxies, tracing, failures }: ServerOptions) {
  const app = fastify({
    // The request lines that fastify writes hold whole URLs, so signatures; ours are in logRequests.
    logger: false,
    http: arrivalLimits,
    rewriteUrl: ({ url = "" }) => asMeant(url),
    genReqId: () => drawRandom(9).toString("base64url"),
    bodyLimit: limits.bodyBytes,
    requestTimeout: arrivalLimits.requestTimeout,
    keepAliveTimeout: limits.keepAliveMs,
    forceCloseConnections: true,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: limits.pathPartCharacters },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, verbose: true } },
    schemaController: {
      compilersFactory: { buildSerializer: sharedSerializers, buildValidator: validatorsOnUse },
    },
    schemaErrorFormatter: invalidRequest,
    clientErrorHandler: answerBrokenRequest,
    frameworkErrors: (error, request, reply) => {
      reply.hijack();
      answerBadAddress(error, { reference: request.id, response: reply.raw });
    },
  });
  boundConnections(app.server, limits.connections);
  const originOf = createOrigins(origins);
  const ourOrigin = (request: FastifyRequest): string => {
    const origin = originOf(request);
    if (origin === undefined) throw new GatewayError("host_unknown");
    return origin;
  };
  const deps = { services, values, log, ourOrigin, failures };

  if (tracing !== undefined) traceRequests(app, tracing);
  logRequests(app, log);
  app.addHook("onRequest", (request, reply, done) => {
    reply.headers(SECURITY_HEADERS);
    believeProxies(request, trustedProxies);
    ourOrigin(request);
    done();
  });
  return { app, deps };
}

/** One line a request, with the route's pattern in place of its URL: URLs carry signatures. */
function logRequests(app: FastifyInstance, log: Log): void {
  app.addHook("onResponse", (request, reply, done) => {
    log.info(
      {
        method: request.method,
        route: request.routeOptions.url ?? "none",
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime * 10) / 10,
        reference: request.id,
      },
      "Request answered",
    );
    done();
  });
}
