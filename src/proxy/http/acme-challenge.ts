import type { IncomingMessage, ServerResponse } from "node:http";
import { ignoreError } from "../ignore-error.ts";

/** RFC 8555 §8.3. Tokens are base64url; authorities send 43 characters. */
const CHALLENGE = /^\/\.well-known\/acme-challenge\/([A-Za-z0-9_-]{1,256})(?:\?|$)/;

/**
 * Answers an authority that looks whether the domain is ours; false for everything else. The answer consists of what was
 * asked and of the account's thumbprint, so nodes need not be told of any order. Whoever asks learns nothing: only who has
 * the account's key can have asked the authority to look here.
 */
export function answerAcmeChallenge(
  { method, url }: IncomingMessage,
  response: ServerResponse,
  thumbprint: string | undefined,
): boolean {
  const [, token] = CHALLENGE.exec(url ?? "") ?? [];
  if (token === undefined || thumbprint === undefined) return false;
  if (method !== "GET" && method !== "HEAD") return false;
  response.on("error", ignoreError); // Who leaves in the middle of an answer is no news.
  const body = `${token}.${thumbprint}`;
  response.writeHead(200, {
    "content-type": "application/octet-stream",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
  });
  response.end(method === "HEAD" ? undefined : body);
  return true;
}
