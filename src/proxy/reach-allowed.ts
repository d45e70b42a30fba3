import { isDeepStrictEqual } from "node:util";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Upstream } from "#wire/grant.ts";
import type { Connecting } from "./console/opening.ts";
import type { UpstreamLeg } from "./console/upstream-leg.ts";
import type { DialRules } from "./dial.ts";
import { reach } from "./reach.ts";

/** What rules that have changed may have changed. */
const BY_RULES: ReadonlySet<ErrorCode> = new Set([
  "upstream_not_allowed",
  "upstream_address_reserved",
  "upstream_is_porthole",
]);

/**
 * `reach`, where `upstream.allow` may be another by now: control tells of it with the next heartbeat, and who has just allowed a network
 * opens a console there at once. So control is asked again before one is refused for it, and a refusal stands where nothing has changed.
 * Throws a GatewayError, or the signal's reason.
 */
export async function reachAllowed(
  upstream: Pick<Upstream, "address" | "tls">,
  {
    rules,
    refresh,
    ...connecting
  }: Connecting & {
    /** As control has said them last. */
    readonly rules: () => DialRules;
    /** Has it say them again. Never rejects. */
    readonly refresh: () => Promise<void>;
  },
): Promise<UpstreamLeg> {
  const { signal } = connecting;
  const before = rules();
  try {
    return await reach(upstream, { ...before, ...connecting });
  } catch (error) {
    if (!(error instanceof GatewayError) || !BY_RULES.has(error.code)) throw error;
    await refresh();
    signal.throwIfAborted();
    const now = rules();
    if (isDeepStrictEqual(now.allow, before.allow)) throw error;
    return await reach(upstream, { ...now, ...connecting });
  }
}
