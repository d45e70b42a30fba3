import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { followExchanges, refuseBrokenRequest } from "#base/process/broken-request.ts";
import { discardRest } from "#base/process/discard-rest.ts";
import type { Log } from "#base/process/log.ts";
import { brokenRequestAnswer } from "#wire/broken-request.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";

/** What fastify itself refuses, in the catalogue's terms. */
const FRAMEWORK_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: "body_too_large",
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "media_type_unsupported",
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: "request_invalid",
  FST_ERR_CTP_EMPTY_JSON_BODY: "request_invalid",
  FST_ERR_CTP_INVALID_JSON_BODY: "request_invalid",
  FST_ERR_VALIDATION: "request_invalid",
  FST_ERR_NOT_FOUND: "not_found",
};

/** Of errors that carry a status and no code: the JSON parser's, and those of the static files. */
const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: "request_invalid",
  403: "not_found",
  404: "not_found",
};

/** Turns whatever a hook, a parser, the validator or a handler threw into an error of the catalogue. */
export function fromFramework(error: unknown): GatewayError {
  if (error instanceof GatewayError || !(error instanceof Error)) return toGatewayError(error);
  const { code, statusCode } = error as { readonly code?: unknown; readonly statusCode?: unknown };
  const known = typeof code === "string" ? FRAMEWORK_CODES[code] : undefined;
  const mapped = known ?? (typeof statusCode === "number" ? BY_STATUS[statusCode] : undefined);
  if (mapped === undefined) return toGatewayError(error);
  return mapped === "request_invalid"
    ? new GatewayError(mapped, { cause: error, detail: error.message })
    : new GatewayError(mapped, { cause: error });
}

/** What went wrong inside, or on the way to a hypervisor, is for the operator, under the reference that the caller was given; the rest is the caller's. */
export function logProblem(log: Log, problem: GatewayError, reference: string): void {
  if (problem.code === "internal") log.error({ error: problem.cause, reference }, "Request failed");
  else if (problem.code === "database_unavailable")
    log.warn({ error: problem.cause, reference }, "The database did not answer");
  else if (problem.code.startsWith("upstream_") && problem.cause !== undefined)
    log.warn(
      { error: problem.cause, code: problem.code, reference },
      "A hypervisor did not do what it was asked",
    );
  else log.debug({ code: problem.code, detail: problem.detail, reference }, "Request refused");
}

/**
 * Answers every error of the installation's APIs with `{"error": …}` and never with a stack trace, and sees to it that
 * `answerBrokenRequest` breaks into no answer.
 */
export function answerErrors(app: FastifyInstance, log: Log): void {
  const routes = collectRoutes(app);
  followExchanges(app.server);

  app.addHook("onSend", async (request, reply) => {
    if (reply.getHeader("connection") === "close") await discardRest(request.raw);
  });

  app.setErrorHandler(async (error, request, reply) => {
    const problem = fromFramework(error);
    logProblem(log, problem, request.id);
    return await sendProblem(problem, request, reply);
  });

  app.setNotFoundHandler(async (request, reply) => {
    const allowed = routes.methodsOf(request.url);
    if (allowed.length > 0) reply.header("allow", allowed.join(", "));
    const code = allowed.length > 0 ? "method_not_allowed" : "not_found";
    return await sendProblem(new GatewayError(code), request, reply);
  });
}

async function sendProblem(problem: GatewayError, request: FastifyRequest, reply: FastifyReply) {
  describeProblem(problem, request, reply);
  return await reply
    .type("application/json; charset=utf-8")
    .serializer(JSON.stringify)
    .send({ error: problem.toPublic(request.id) });
}

/** Status and headers that an error has in every form of answer. */
export function describeProblem(problem: GatewayError, request: FastifyRequest, reply: FastifyReply): void {
  reply.code(problem.status).header("cache-control", "no-store");
  if (problem.code === "rate_limited") reply.header("retry-after", "60");
  if (problem.code === "database_unavailable") reply.header("retry-after", "5");
  if (problem.status === 401) reply.header("www-authenticate", challenge(request));
}

/**
 * A browser that reads "Basic" puts up a password dialog of its own, which no page can prevent. So pages are
 * told of the session, everything else of the API key. (Browsers leave out Fetch Metadata on plain HTTP.)
 */
function challenge(request: FastifyRequest): string {
  const { "sec-fetch-site": site, "user-agent": agent } = request.headers;
  const isBrowser = site !== undefined || agent?.startsWith("Mozilla/") === true;
  return isBrowser ? 'Session realm="porthole"' : 'Basic realm="porthole", charset="UTF-8"';
}

/** Knows which methods a path has, which fastify's router does not tell: it answers 404 where 405 is meant. */
export function collectRoutes(app: FastifyInstance): { methodsOf(url: string): readonly string[] } {
  const routes: { readonly path: RegExp; readonly methods: readonly string[] }[] = [];
  app.addHook("onRoute", ({ url, method }) => {
    if (url.includes("*")) return;
    const pattern = url.replace(/[.]/g, "\\.").replace(/:[A-Za-z]+/g, "[^/]+");
    routes.push({ path: new RegExp(`^${pattern}$`), methods: [method].flat() });
  });
  return {
    methodsOf: (url) => {
      const [path = ""] = url.split("?");
      return routes.filter((route) => route.path.test(path)).flatMap((route) => route.methods);
    },
  };
}

/** For an address that cannot be decoded or is too long, which reaches neither hooks nor handlers. */
export function answerBadAddress(
  { code }: { readonly code: string },
  { reference, response }: { readonly reference: string; readonly response: ServerResponse },
): void {
  const problem =
    code === "FST_ERR_MAX_PARAM_LENGTH"
      ? new GatewayError("not_found")
      : new GatewayError("request_invalid", { detail: "the address cannot be decoded" });
  response
    .writeHead(problem.status, {
      "content-type": "application/json; charset=utf-8",
      "cache-control": "no-store",
    })
    .end(JSON.stringify({ error: problem.toPublic(reference) }));
}

/** For what is not even HTTP, or takes too long: there is no request yet, so no reference and no log line. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  refuseBrokenRequest(error, socket, brokenRequestAnswer(error.code));
}
