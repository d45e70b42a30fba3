import { appendFileSync, closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { StartFailure } from "#base/process/start-failure.ts";

const limits = {
  /** How long processes of an earlier start may take to end, when that was killed and they notice it. */
  predecessorsMs: 15_000,
  lookAgainMs: 50,
} as const;

/** A data directory that is ours until this is disposed of, or until this process ends in whatever way. */
export interface DirectoryLock extends Disposable {
  /** Notes a process that works on the directory as well. */
  note(pid: number): void;
}

/**
 * Takes the data directory for this process. Throws a StartFailure where another one has it; waits for what a killed
 * one has left behind. The lock is the kernel's, on a file of SQLite's, so that it goes with its process and can
 * never be stale; the process ids beside it are for the words and for the waiting.
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const file = join(directory, "start.lock");
  const pids = join(directory, "start.pid");
  closeSync(openSync(file, "a", 0o600));
  const database = new DatabaseSync(file);
  try {
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
  } catch (cause) {
    database.close();
    if (!isBusy(cause)) throw cause;
    const [holder] = readPids(pids);
    const which = holder === undefined ? "" : ` (process ${holder})`;
    throw new StartFailure(`Porthole already runs on ${directory}${which}. Stop it first, or use --data.`, {
      cause,
    });
  }
  await ended(readPids(pids));
  writeFileSync(pids, `${process.pid}\n`, { mode: 0o600 });
  return {
    note: (pid) => appendFileSync(pids, `${pid}\n`),
    [Symbol.dispose]: () => {
      writeFileSync(pids, "");
      database.close();
    },
  };
}

/** SQLITE_BUSY, https://sqlite.org/rescode.html#busy */
function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === 5;
}

/** A number may have gone to a stranger's process meanwhile, so after a while it is no longer waited for. */
async function ended(pids: readonly number[]): Promise<void> {
  const deadline = performance.now() + limits.predecessorsMs;
  while (pids.some(isAlive) && performance.now() < deadline) await delay(limits.lookAgainMs);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return pid !== process.pid;
  } catch {
    return false;
  }
}

function readPids(path: string): readonly number[] {
  try {
    return readFileSync(path, "utf8")
      .split("\n")
      .map(Number)
      .filter((pid) => Number.isInteger(pid) && pid > 0);
  } catch {
    return [];
  }
}
