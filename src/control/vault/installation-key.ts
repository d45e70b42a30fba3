import { randomBytes } from "node:crypto";
import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { deriveKey } from "./vault.ts";

/**
 * The one secret that is not in the database: it seals the others and derives the keys of tickets. The key file
 * holds it as a line of base64url, so that it can be moved through secret stores that only take text.
 */
export type InstallationKey = Uint8Array;

const KEY_BYTES = 32;
const OTHERS_MAY_READ = 0o004;

/** `undefined` when there is no such file. Throws, in words for the operator, when it is no key file. */
export function readInstallationKey(file: string): InstallationKey | undefined {
  const descriptor = openIfThere(file);
  if (descriptor === undefined) return undefined;
  try {
    if ((fstatSync(descriptor).mode & OTHERS_MAY_READ) !== 0)
      throw new Error(`the key file ${file} can be read by everybody: chmod 600 it`);
    return parse(readFileSync(descriptor, "utf8"), file);
  } finally {
    closeSync(descriptor);
  }
}

/** Makes a key file, whole or not at all, and never in place of another. */
export function createInstallationKey(file: string): InstallationKey {
  const key = randomBytes(KEY_BYTES);
  const draft = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    writeFileSync(draft, `${key.toString("base64url")}\n`, { mode: 0o600, flag: "wx", flush: true });
    linkSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
  syncFolder(dirname(file));
  return new Uint8Array(key);
}

/** What the database keeps to tell the right key from a wrong one; it says nothing about the key. */
export function keyCheck(key: InstallationKey): string {
  return Buffer.from(deriveKey(key, { salt: "", info: ["porthole", "key check"] })).toString("base64url");
}

function openIfThere(file: string): number | undefined {
  try {
    return openSync(file, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function parse(text: string, file: string): InstallationKey {
  const key = Buffer.from(text.trim(), "base64url");
  if (key.length !== KEY_BYTES || key.toString("base64url") !== text.trim())
    throw new Error(`${file} is not a key file of Porthole`);
  return new Uint8Array(key);
}

/** A new name in a folder outlasts a power cut only once the folder is written. */
function syncFolder(folder: string): void {
  const descriptor = openSync(folder, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
