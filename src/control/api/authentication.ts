import type { FastifyRequest } from "fastify";
import type { AuditApi } from "#wire/audit.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Accounts, Caller } from "../services.ts";
import { sameSecret } from "../vault/same-secret.ts";
import { type FailureLimit, isPossibleApiKey } from "./failure-limit.ts";
import { callerAddress, provenanceOf, whenceOf } from "./origins.ts";
import { sessionCookie } from "./session-cookie.ts";

const SAFE_METHODS: readonly string[] = ["GET", "HEAD", "OPTIONS"];

interface Credentials {
  readonly apiKey: string;
  readonly secretKey: string;
}

/** What authenticating takes; `ourOrigin` is the origin that a request came by. */
export interface AuthenticationDeps {
  readonly accounts: Pick<Accounts, "byApiKey" | "byCookie" | "noteRefusedKey">;
  readonly failures: FailureLimit;
  readonly ourOrigin: (request: FastifyRequest) => string;
}

/**
 * Who asks: by API key and secret key (HTTP Basic, RFC 7617), or by the web session's cookie. Throws
 * `unauthenticated`, `rate_limited`, or `forbidden` where a page of another site uses the cookie to change something.
 */
export async function authenticate(request: FastifyRequest, deps: AuthenticationDeps): Promise<Caller> {
  const { authorization } = request.headers;
  // A credential that was sent and is wrong is never made good by another one.
  if (authorization !== undefined) return await byKey(request, authorization, deps);
  const caller = await bySession(request, deps);
  if (!SAFE_METHODS.includes(request.method) && provenanceOf(request, deps.ourOrigin(request)) !== "ours")
    throw new GatewayError("forbidden", { detail: "the request came from a page of another site" });
  return caller;
}

/**
 * By the cookie alone. Whoever changes something on its account must judge the request's provenance as well.
 * Failures are not counted: nobody guesses 256 bits, and a tab whose session is over asks again and again.
 */
export async function bySession(request: FastifyRequest, deps: AuthenticationDeps): Promise<Caller> {
  const cookie = sessionCookie(request, deps.ourOrigin(request));
  if (cookie === undefined) throw new GatewayError("unauthenticated");
  const caller = await deps.accounts.byCookie(cookie, callerAddress(request));
  if (caller === undefined) throw new GatewayError("unauthenticated");
  return caller;
}

async function byKey(
  request: FastifyRequest,
  authorization: string,
  deps: AuthenticationDeps,
): Promise<Caller> {
  const credentials = readBasic(authorization);
  if (credentials === undefined) throw new GatewayError("unauthenticated");
  return await byKeys(request, credentials, { ...deps, api: "native" });
}

export type KeyDeps = Pick<AuthenticationDeps, "failures"> & {
  readonly accounts: Pick<Accounts, "byApiKey" | "noteRefusedKey">;
};

/** Whose keys these are. Throws `unauthenticated`, or `rate_limited` for who guessed too often. */
export async function byKeys(
  request: FastifyRequest,
  { apiKey, secretKey }: Credentials,
  { accounts, failures, api }: KeyDeps & { readonly api: AuditApi },
): Promise<Caller> {
  if (!isPossibleApiKey(apiKey)) throw new GatewayError("unauthenticated");
  const source = `${callerAddress(request)} ${apiKey}`;
  failures.check(source);
  const found = await accounts.byApiKey(apiKey, callerAddress(request));
  if (found !== undefined && sameSecret(secretKey, found.secretKey.expose())) return found.caller;
  failures.failed(source);
  await accounts.noteRefusedKey(apiKey, whenceOf(request, api));
  throw new GatewayError("unauthenticated");
}

function readBasic(authorization: string): Credentials | undefined {
  const [, encoded] = /^Basic +([A-Za-z0-9+/]+={0,2})$/i.exec(authorization) ?? [];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 1 ? undefined : { apiKey: text.slice(0, colon), secretKey: text.slice(colon + 1) };
}
