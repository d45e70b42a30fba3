import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "corpus");

/** One thing that was said: recorded from a real server, or found to break something once. */
export interface Case {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** All of a target, in the order of their names. */
export function readCorpus(target: string): readonly Case[] {
  const folder = join(FOLDER, target);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((name) => ({ name, bytes: new Uint8Array(readFileSync(join(folder, name))) }));
}

/** Of every target. */
export function removeRecorded(): void {
  const files = existsSync(FOLDER) ? readdirSync(FOLDER, { recursive: true, encoding: "utf8" }) : [];
  for (const file of files) if (/recorded-[^/]*$/.test(file)) rmSync(join(FOLDER, file));
}

/** Returns the file's name. */
export function writeCase(target: string, name: string, bytes: Uint8Array): string {
  mkdirSync(join(FOLDER, target), { recursive: true });
  writeFileSync(join(FOLDER, target, name), bytes);
  return name;
}

/** What broke something is named by what it is. */
export function writeFound(target: string, bytes: Uint8Array): string {
  const digest = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  return writeCase(target, `found-${digest}`, bytes);
}
