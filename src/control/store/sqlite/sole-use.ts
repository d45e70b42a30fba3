import { DatabaseSync } from "node:sqlite";
import { createPrivateFile } from "./private-file.ts";

/**
 * Keeps a second control away from an embedded database: each holds settings and keys in memory, so one database
 * has one control. Backups and `sqlite3` may still read it. The lock is the operating system's, on a file beside
 * the database (SQLite takes it for us: Node has no call of its own), so a process that is killed leaves none.
 */
export function claimSoleUse(file: string): { release(): void } {
  createPrivateFile(`${file}.lock`);
  const lock = new DatabaseSync(`${file}.lock`);
  try {
    lock.exec("pragma journal_mode = memory; begin exclusive;");
  } catch (cause) {
    lock.close();
    throw new Error(`another process uses the database ${file}`, { cause });
  }
  return { release: () => lock.close() };
}
