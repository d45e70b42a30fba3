import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { say } from "./progress.mjs";

const retryMs = 200;

/**
 * Does `work` while no other set-up works in this checkout. The lock is a directory that names its holder;
 * it comes into being whole, by a rename, and that of a process that no longer lives is put aside.
 */
export async function withLock(root, work) {
  const cache = join(root, ".cache");
  const lock = join(cache, "setup.lock");
  await acquire(cache, lock);
  try {
    return await work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

async function acquire(cache, lock) {
  mkdirSync(cache, { recursive: true });
  const mine = mkdtempSync(join(cache, "setup.lock-"));
  writeFileSync(join(mine, "holder"), identity(process.pid));
  let told = false;
  while (!tryRename(mine, lock)) {
    const holder = holderOf(lock);
    if (holder !== undefined && !isAlive(holder)) {
      breakLock(cache, lock, holder);
      continue;
    }
    if (!told && holder !== undefined) {
      say(`Another set-up (process ${holder.split(" ")[0]}) is at work in this directory; waiting for it …`);
      told = true;
    }
    await sleep(retryMs);
  }
}

/** Renaming onto a directory that is not empty fails: only one of all that try becomes the holder. */
function tryRename(from, to) {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST", "EPERM"].includes(error.code)) return false;
    throw error;
  }
}

function holderOf(lock) {
  try {
    return readFileSync(join(lock, "holder"), "utf8");
  } catch {
    return undefined;
  }
}

/** A process number is given again one day; together with the time of its start it is not. */
function identity(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return `${pid} ${fields[19]}`;
  } catch {
    return `${pid}`;
  }
}

function isAlive(holder) {
  const pid = Number(holder.split(" ")[0]);
  try {
    process.kill(pid, 0);
  } catch (error) {
    return error.code === "EPERM";
  }
  return identity(pid) === holder;
}

/** What was taken aside may, by then, be the lock of somebody quicker: that one is put back. */
function breakLock(cache, lock, deadHolder) {
  const aside = join(mkdtempSync(join(cache, "setup.lock-")), "broken");
  if (!tryMove(lock, aside)) return;
  if (holderOf(aside) !== deadHolder) tryRename(aside, lock);
  rmSync(join(aside, ".."), { recursive: true, force: true });
}

function tryMove(from, to) {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (error.code === "ENOENT") return false;
    throw error;
  }
}
