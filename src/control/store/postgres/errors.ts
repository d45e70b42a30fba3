import { DatabaseError } from "pg";
import { GatewayError } from "#wire/gateway-error.ts";

/** SQLSTATE, PostgreSQL's appendix A. */
const UNIQUE_VIOLATION = "23505";
const FOREIGN_KEY_VIOLATION = "23503";
const SERIALIZATION_FAILURE = "40001";
const DEADLOCK_DETECTED = "40P01";
const CHARACTER_NOT_IN_REPERTOIRE = "22021";

/**
 * What passes by itself: connections that broke or are not to be had, a server that starts, stops, has lost its place
 * to another or too much to do, and statements that were called off, by a time limit or to resolve a deadlock.
 */
const PASSING: readonly RegExp[] = [
  /^08/, // connection exception
  /^25006$/, // read-only transaction: this server has become a standby
  /^25P03$/, // idle in transaction for too long
  /^40/, // transaction rollback: deadlock, serialization
  /^53/, // insufficient resources
  /^55P03$/, // lock not available
  /^57/, // operator intervention: shutdown, start-up, timeouts
  /^58/, // system error
];

export function isDuplicate(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === UNIQUE_VIOLATION;
}

/** An error of the driver, in the catalogue's words where there are some for it. */
export function fromDriver(error: unknown): unknown {
  if (error instanceof GatewayError || !(error instanceof Error)) return error;
  // What is no answer of the server is the connection's, but for our own mistakes.
  if (!(error instanceof DatabaseError))
    return error instanceof TypeError || error instanceof RangeError ? error : unavailable(error);
  const code = error.code ?? "";
  if (PASSING.some((pattern) => pattern.test(code))) return unavailable(error);
  if (code === FOREIGN_KEY_VIOLATION)
    return new GatewayError("conflict", { cause: error, detail: "it was changed at the same time" });
  if (code === CHARACTER_NOT_IN_REPERTOIRE)
    return new GatewayError("request_invalid", {
      cause: error,
      detail: "a text has a character that cannot be stored",
    });
  return error;
}

/** Whether the statement, with all of its transaction, was called off for the sake of others. It may be said again. */
export function isUndone(error: unknown): boolean {
  const cause = isUnavailable(error) && error instanceof Error ? error.cause : error;
  if (!(cause instanceof DatabaseError)) return false;
  return cause.code === DEADLOCK_DETECTED || cause.code === SERIALIZATION_FAILURE;
}

export function unavailable(cause: unknown): GatewayError {
  return new GatewayError("database_unavailable", { cause });
}

export function isUnavailable(error: unknown): boolean {
  return error instanceof GatewayError && error.code === "database_unavailable";
}
