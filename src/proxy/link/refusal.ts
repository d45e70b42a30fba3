import { isErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { FORGOTTEN } from "#wire/link-refusals.ts";

/** Control said nothing in time, or nothing that is of the link. */
export function unreachable(cause?: unknown): GatewayError {
  return new GatewayError("control_unreachable", cause === undefined ? {} : { cause });
}

/** Why a call was given up: what its signal aborted with, where that is for the public. */
export function abortion({ reason }: AbortSignal): GatewayError {
  return reason instanceof GatewayError ? reason : unreachable(reason);
}

/** A PublicError, as control sends it; anything else comes from something that is not control. */
export function refusal(error: unknown): GatewayError {
  const code = property(error, "code");
  const detail = property(error, "detail");
  if (!isErrorCode(code)) return unreachable(new Error("an error that is not of the catalogue"));
  if (code === "node_refused" && detail === FORGOTTEN) return new GatewayError("node_forgotten");
  return new GatewayError(code, typeof detail === "string" ? { detail } : {});
}

/** `{"error": PublicError}`, the body of an answer with an error status. */
export function refusalIn(status: number, body: unknown): GatewayError {
  const error = property(body, "error");
  if (isErrorCode(property(error, "code"))) return refusal(error);
  return unreachable(new Error(`status ${status} without an error of the catalogue`));
}

function property(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
