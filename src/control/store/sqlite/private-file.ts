import { closeSync, openSync } from "node:fs";

/** Makes an empty file for SQLite, which alone would make one that everybody may read. One that is there stays. */
export function createPrivateFile(file: string): void {
  closeSync(openSync(file, "a", 0o600));
}
