import { isDeepStrictEqual } from "node:util";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { DeadlineError } from "./deadline.ts";
import type { DialRules } from "./dial.ts";

/**
 * What rules that have changed may have changed; `dial` says them before it connects to anything. Not of a name with several
 * addresses of which one may be dialled, and does not answer.
 */
const BY_RULES: ReadonlySet<ErrorCode> = new Set([
  "upstream_not_allowed",
  "upstream_address_reserved",
  "upstream_is_porthole",
]);

export interface NewestRules {
  /** As control has said them last. */
  readonly rules: () => DialRules;
  /** Has it say them again, if it can be asked: see AskingAnew. Never rejects. */
  readonly refresh: (signal: AbortSignal) => Promise<void>;
  /** Ends the dial. */
  readonly signal: AbortSignal;
}

/**
 * Dials by rules that may be others by now: control tells of them with the next heartbeat, and who has just allowed a network opens a console
 * there at once. So control is asked again before one is refused for them, and the refusal stands where nothing has changed or control is
 * silent. Throws what `attempt` throws, or the signal's reason.
 */
export async function byNewestRules<Result>(
  attempt: (rules: DialRules) => Promise<Result>,
  { rules, refresh, signal }: NewestRules,
): Promise<Result> {
  const before = rules();
  try {
    return await attempt(before);
  } catch (error) {
    if (!(error instanceof GatewayError) || !BY_RULES.has(error.code)) throw error;
    await refresh(signal);
    // Whose time is up is told what was found; who has left is told nothing.
    if (signal.aborted) throw signal.reason instanceof DeadlineError ? error : signal.reason;
    const now = rules();
    if (isDeepStrictEqual(now, before)) throw error;
    return await attempt(now);
  }
}
