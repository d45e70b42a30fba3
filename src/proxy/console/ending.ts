import { ERRORS, type ErrorCode } from "#wire/errors.ts";
import { toGatewayError } from "#wire/gateway-error.ts";
import type { Ending, EndingKind } from "#wire/viewer.ts";

/** Somebody let go of an open console, as people and machines do. Nothing is wrong. */
const CLOSED: ReadonlySet<ErrorCode> = new Set([
  "viewer_closed",
  "upstream_closed",
  "session_ended",
  "session_timeout",
  "session_idle",
]);

/** Whoever asked was told no: nothing was redeemed, or control would not have it. */
const REFUSED: ReadonlySet<ErrorCode> = new Set([
  "ticket_missing",
  "ticket_invalid",
  "ticket_foreign",
  "ticket_expired",
  "ticket_used",
  "extra_token_mismatch",
  "caller_address_mismatch",
  "origin_refused",
  "access_withdrawn",
  "reopen_invalid",
  "machine_gone",
  "machine_not_running",
  "machine_moved",
  "upstream_contested",
  "upstream_not_allowed",
  "upstream_address_reserved",
  "upstream_is_porthole",
  "upstream_password_paced",
  "subprotocol_unsupported",
  "request_invalid",
  "node_full",
  "node_draining",
  "node_restarting",
]);

/** Refused for what an operator has set, which nobody else can mend: he looks for it in the log. */
const OPERATORS: ReadonlySet<ErrorCode> = new Set([
  "upstream_contested",
  "upstream_not_allowed",
  "upstream_address_reserved",
  "upstream_is_porthole",
]);

/** Whether it is not to be missing where little is logged: an operator is asked about it. A browser that vanishes is nothing of his. */
export function isForOperator({ kind, code }: Pick<Ending, "kind" | "code">): boolean {
  return kind === "failed" ? code !== "viewer_lost" : kind === "refused" && OPERATORS.has(code);
}

export interface EndingContext {
  /** The id of the session that ends. */
  readonly session?: string;
  /** Whether a console was open. Before that, a machine that hangs up has refused to be one. */
  readonly wasOpen: boolean;
}

/** The one place that tells benign ends from refusals and failures. */
export function endingOf(thrown: unknown, { session, wasOpen }: EndingContext): Ending {
  const { code, detail, reference = session } = toGatewayError(thrown);
  return {
    kind: kindOf(code, wasOpen),
    code,
    ...(detail === undefined ? {} : { detail }),
    ...(reference === undefined ? {} : { reference }),
  };
}

function kindOf(code: ErrorCode, wasOpen: boolean): EndingKind {
  if (code === "upstream_closed" && !wasOpen) return "failed";
  if (CLOSED.has(code)) return "closed";
  if (!REFUSED.has(code)) return "failed";
  // What was open is no longer refused: somebody has closed it.
  return wasOpen ? "closed" : "refused";
}

/** An ending in sentences, for viewers that can show text and nothing else. */
export function endingText({ code, detail, reference }: Ending): string {
  const { meaning, remedy } = ERRORS[code];
  return [
    meaning,
    detail === undefined ? "" : `(${detail})`,
    remedy,
    reference === undefined ? "" : `Reference: ${reference}`,
  ]
    .filter((part) => part !== "")
    .join(" ");
}
