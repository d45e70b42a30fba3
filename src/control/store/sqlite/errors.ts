import { GatewayError } from "#wire/gateway-error.ts";

/** SQLITE_CONSTRAINT_PRIMARYKEY and SQLITE_CONSTRAINT_UNIQUE. */
const DUPLICATE_CODES: readonly unknown[] = [1555, 2067];

/** SQLITE_BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN: somebody else's lock, or the disk. */
const PASSING_CODES: readonly number[] = [5, 6, 7, 8, 10, 13, 14];

/** Result codes have their kind in the lowest byte. */
const KIND = 0xff;

export function isDuplicate(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && DUPLICATE_CODES.includes(error.errcode);
}

/** An error of the driver, in the catalogue's words where there are some for it. */
export function fromDriver(error: unknown): unknown {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return error;
  if (!PASSING_CODES.includes(error.errcode & KIND)) return error;
  return new GatewayError("database_unavailable", { cause: error });
}

export function isUnavailable(error: unknown): boolean {
  return error instanceof GatewayError && error.code === "database_unavailable";
}
