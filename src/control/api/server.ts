import cookie from "@fastify/cookie";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { systemClock } from "#base/clock.ts";
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
import { FailureLimit } from "./failure-limit.ts";
import { answerBadAddress, answerBrokenRequest, answerErrors } from "./http-errors.ts";
import { invalidRequest } from "./invalid-request.ts";
import { nativeApi } from "./native/native.ts";
import { believeProxies, createOrigins } from "./origins.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";
import { webPages } from "./web/web.ts";

const limits = {
  /** Of a request's body; the largest that is taken, a setting's value, has 4 096 characters. */
  bodyBytes: 64 * 1024,
  /** An idle connection is kept for the next request. */
  keepAliveMs: 72_000,
  /** Of one part of a path: ids have at most 64 characters, setting names fewer than 128. */
  pathPartCharacters: 128,
  /** Browsers and portals at once, through a reverse proxy or without. */
  connections: 10_000,
} as const;

interface ApiServerOptions {
  readonly services: Services;
  readonly values: SettingValues;
  readonly log: Log;
  /** Where control is reached, as the operator configured it; read at every request. See createOrigins. */
  readonly origins: readonly string[];
  readonly trustedProxies: TrustedProxies;
  /** The operator pages as Vite built them; without them only the APIs are served. */
  readonly webRoot: string | undefined;
  readonly version: string;
  readonly tracing?: Tracing | undefined;
}

/** Everything that control serves over HTTP: its APIs and the operator's pages. */
export function createApiServer({
  services,
  values,
  log,
  origins,
  trustedProxies,
  webRoot,
  version,
  tracing,
}: ApiServerOptions): FastifyInstance {
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
  const deps = { services, values, log, version, ourOrigin, failures: new FailureLimit(systemClock) };

  if (tracing !== undefined) traceRequests(app, tracing);
  logRequests(app, log);
  answerErrors(app, log);
  app.addHook("onRequest", (request, reply, done) => {
    reply.headers(SECURITY_HEADERS);
    believeProxies(request, trustedProxies);
    ourOrigin(request);
    done();
  });
  app.register(cookie);
  app.register(nativeApi, deps);
  app.register(cloudStackApi, deps);
  app.register(webPages, { ...deps, webRoot });
  return app;
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
