import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Tells the tests which real peers this machine lacks, and why: .cache/setup.json, `{"missing": {name: reason}}`.
 * A test that needs one of them is skipped with that reason.
 */
export function writeReport(root, missing) {
  const path = join(root, ".cache", "setup.json");
  const text = `${JSON.stringify({ missing: Object.fromEntries(missing) }, undefined, 2)}\n`;
  if (text === read(path)) return;
  mkdirSync(join(root, ".cache"), { recursive: true });
  writeFileSync(`${path}.${process.pid}`, text);
  renameSync(`${path}.${process.pid}`, path);
}

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
