import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { scratch } from "../../../../test/harness/scratch.ts";
import { withDirectory } from "./directory-lock.ts";

test("who waits in the same process does not take the lock away from who has it", async () => {
  await using folder = scratch();
  const { signal } = new AbortController();
  const order: string[] = [];
  let second: Promise<void> | undefined;

  await withDirectory(folder.path, {
    signal,
    work: async () => {
      second = withDirectory(folder.path, { signal, work: async () => void order.push("second") });
      order.push(lockFromAnotherProcess(folder.path), "first");
    },
  });
  await second;

  assert.deepEqual(order, ["locked", "first", "second"]);
  assert.equal(lockFromAnotherProcess(folder.path), "free");
});

test("who waits for a directory stops when told so", async () => {
  await using folder = scratch();
  const stopped = new AbortController();
  const work = async () => {
    const waiting = withDirectory(folder.path, { signal: stopped.signal, work: async () => {} });
    stopped.abort();
    await assert.rejects(waiting, { name: "AbortError" });
  };

  await withDirectory(folder.path, { signal: new AbortController().signal, work });
});

/** One try, as another control would make it. */
function lockFromAnotherProcess(directory: string): string {
  const program = `
    const { DatabaseSync } = require("node:sqlite");
    const lock = new DatabaseSync(process.argv[1]);
    try {
      lock.exec("begin exclusive");
      console.log("free");
    } catch (error) {
      if (error.errcode !== 5) throw error;
      console.log("locked");
    }`;
  const file = join(directory, ".lock");
  return execFileSync(process.execPath, ["--no-warnings", "-e", program, file], { encoding: "utf8" }).trim();
}
