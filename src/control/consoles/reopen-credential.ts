import type { Secret } from "#base/secret.ts";
import { credentialHash } from "../vault/credential.ts";

/** What a viewer opens its console again with: the session's id, which finds the row, and a secret. */
interface ReopenCredential {
  readonly sessionId: string;
  /** As the session's row has it. */
  readonly hash: string;
}

/** The text that the viewer is given. */
export function reopenCredential(sessionId: string, secret: Secret): string {
  return `${sessionId}.${secret.expose()}`;
}

/** Undefined where it does not have the form of one. */
export function readReopenCredential(text: string): ReopenCredential | undefined {
  const [, sessionId, secret] = /^([^.]+)\.([^.]+)$/.exec(text) ?? [];
  if (sessionId === undefined || secret === undefined) return undefined;
  return { sessionId, hash: credentialHash(secret) };
}
