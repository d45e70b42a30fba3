import type { FastifyRequest } from "fastify";
import { Secret } from "#base/secret.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Caller, Services } from "../../services.ts";
import { callerOfOurs, type TokenDeps } from "../auth-token.ts";
import { whenceOf } from "../origins.ts";
import { FAULTS } from "./fault.ts";
import { type NobodysToken, tokenOrNobodys } from "./nobodys-token.ts";

/**
 * Who asks, by `X-Auth-Token`: a token of ours, or, where a Keystone is configured, one of its. Throws `unauthenticated`,
 * `rate_limited`, `forbidden` for whom Keystone knows and who may do nothing here, or Nova's fault where Keystone cannot be asked.
 */
export async function authenticateForNova(
  request: FastifyRequest,
  deps: TokenDeps & {
    readonly keystone: Pick<Services["keystone"], "callerOf">;
    readonly nobodysToken?: NobodysToken | undefined;
  },
): Promise<Caller> {
  const token = tokenOrNobodys(request, deps.nobodysToken);
  if (token === undefined) throw new GatewayError("unauthenticated");
  const whence = whenceOf(request, "nova");
  const ours = await callerOfOurs(request, token, deps);
  if (ours !== undefined) return { ...ours, ...whence };
  const theirs = await deps.keystone.callerOf(new Secret(token), whence);
  if (theirs === "unknown") throw new GatewayError("unauthenticated");
  if (theirs === "unavailable") throw FAULTS.keystoneUnavailable();
  return theirs;
}
