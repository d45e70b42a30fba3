import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";

const limits = {
  /** Whoever has the directory changes a few files. */
  lookAgainMs: 20,
} as const;

/**
 * Does something while nobody else, in this process or another, does so with this directory. The lock is the kernel's, on
 * a file (SQLite takes it for us: Node has no call of its own), so one that is killed leaves none. Rejects when the
 * signal aborts while it waits.
 */
export async function withDirectory<Result>(
  directory: string,
  { signal, work }: { readonly signal: AbortSignal; readonly work: () => Promise<Result> },
): Promise<Result> {
  const file = join(directory, ".lock");
  signal.throwIfAborted();
  makeFile(file);
  const lock = new DatabaseSync(file);
  try {
    while (!tryLock(lock)) await delay(limits.lookAgainMs, undefined, { signal });
    return await work();
  } finally {
    lock.close();
  }
}

/**
 * For its owner alone. One that is there is not opened: the kernel takes a process' lock on a file away as soon as the
 * process closes any descriptor of it (fcntl(2)), and somebody else in this process may have the lock.
 */
function makeFile(file: string): void {
  try {
    closeSync(openSync(file, "ax", 0o600));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
}

function tryLock(lock: DatabaseSync): boolean {
  try {
    lock.exec("pragma journal_mode = memory; begin exclusive");
    return true;
  } catch (error) {
    if (isBusy(error)) return false;
    throw error;
  }
}

/** SQLITE_BUSY, https://sqlite.org/rescode.html#busy */
function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === 5;
}
