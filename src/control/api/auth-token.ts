import type { FastifyRequest } from "fastify";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Accounts, Caller } from "../services.ts";
import { byKeys, type KeyDeps } from "./authentication.ts";
import { callerAddress } from "./origins.ts";

export type TokenDeps = KeyDeps & { readonly accounts: Pick<Accounts, "byToken"> };

const HEADER = "x-auth-token";

const limits = {
  /** Of a token that is looked at at all; ours are a fraction of it. */
  characters: 1024,
} as const;

/** What OpenStack's clients send as who they are; `undefined` where that is nothing. */
export function authTokenOf({ headers }: FastifyRequest): string | undefined {
  const token = [headers[HEADER]].flat()[0];
  return token === undefined || token === "" ? undefined : token;
}

/** Who asks, by `X-Auth-Token`. Throws `unauthenticated` or `rate_limited`. */
export async function byAuthToken(request: FastifyRequest, deps: TokenDeps): Promise<Caller> {
  const token = authTokenOf(request);
  if (token === undefined) throw new GatewayError("unauthenticated");
  return await callerOfToken(request, token, deps);
}

/**
 * Whose token that is: an API key and its secret key, with a colon between them, or one that the identity API gave. Of those nobody
 * guesses one, so failures with them are not counted. Throws `unauthenticated` or `rate_limited`.
 */
export async function callerOfToken(
  request: FastifyRequest,
  token: string,
  deps: TokenDeps,
): Promise<Caller> {
  const caller = await callerOfOurs(request, token, deps);
  if (caller === undefined) throw new GatewayError("unauthenticated");
  return caller;
}

/** The same; `undefined` where it is nothing that was given out here, and may be somebody else's. */
export async function callerOfOurs(
  request: FastifyRequest,
  token: string,
  deps: TokenDeps,
): Promise<Caller | undefined> {
  if (token.length > limits.characters) return undefined;
  const colon = token.indexOf(":");
  if (colon < 0) return (await deps.accounts.byToken(token, callerAddress(request)))?.caller;
  const keys = { apiKey: token.slice(0, colon), secretKey: token.slice(colon + 1) };
  return await byKeys(request, keys, { ...deps, api: "nova" });
}
