/** What came of the passwords that were tried at a machine: see pacing.ts. No row: nothing yet. */
export interface SignInFailureTable {
  machine_id: string;
  /** How many were not taken since one last was; 0: that on record is known to be right. */
  failures: number;
  /** From `free` failures on: when one may try again. */
  next_at: number;
}
