import { hash } from "node:crypto";
import { drawRandom } from "#base/process/random.ts";
import { Secret } from "#base/secret.ts";

/** 256 bits: nobody guesses it, so a plain hash of it is enough to keep. */
const CREDENTIAL_BYTES = 32;

/** Something that we hand out once and recognise later: a cookie, a sign-in code, a join token, a reopen credential. */
export interface Credential {
  readonly value: Secret;
  /** What the database keeps. */
  readonly hash: string;
}

/** Drawn at random. None begins with a hyphen, since some are given to programs as the value of an option. */
export function newCredential(bytes: number = CREDENTIAL_BYTES): Credential {
  const drawn = credentialOf(drawRandom(bytes));
  return drawn.value.expose().startsWith("-") ? newCredential(bytes) : drawn;
}

/** Of bytes that nobody can guess. */
export function credentialOf(bytes: Uint8Array): Credential {
  const value = Buffer.from(bytes).toString("base64url");
  return { value: new Secret(value), hash: credentialHash(value) };
}

export function credentialHash(value: string): string {
  return hash("sha256", value, "base64url");
}
