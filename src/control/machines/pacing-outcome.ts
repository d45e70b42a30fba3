import type { ErrorCode } from "#wire/errors.ts";
import type { TicketPurpose } from "../services.ts";
import { OUTDATED } from "./pacing-verdict.ts";

/** What came of the password that a session tried: `outdated` where it was not taken, and is not on record any more. */
export interface Outcome {
  readonly sessionId: string;
  readonly machineId: string;
  readonly result: "taken" | "refused" | "outdated";
}

interface Reported {
  readonly id: string;
  readonly machine_id: string;
  readonly trying_since: number | null;
}

/** Of a session that is reported as open. What was let through without trying tells nothing new. */
export function outcomeOfOpen(row: Reported): readonly Outcome[] {
  return isTried(row) ? [{ sessionId: row.id, machineId: row.machine_id, result: "taken" }] : [];
}

/**
 * Of a session that is reported as over. One that was open and is over before it was reported as open has had bytes; a picture is made
 * or not. A hypervisor that does not take what it took before says so of sessions that nobody let try.
 */
export function outcomeOfEnded(row: Ended): readonly Outcome[] {
  const { purpose, ending_code: code, bytes_to_viewer: bytes } = row;
  if (code === "upstream_authentication_failed") {
    const result = row.trying_since === OUTDATED ? "outdated" : "refused";
    return [{ sessionId: row.id, machineId: row.machine_id, result }];
  }
  const wasOpen = bytes > 0 || (purpose === "thumbnail" && code === "viewer_closed");
  return wasOpen ? outcomeOfOpen(row) : [];
}

interface Ended extends Reported {
  readonly purpose: TicketPurpose;
  readonly ending_code: ErrorCode | null;
  readonly bytes_to_viewer: number;
}

function isTried({ trying_since: since }: Reported): boolean {
  return since !== null && since !== OUTDATED;
}
