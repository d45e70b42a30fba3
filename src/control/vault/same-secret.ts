import { createHash, timingSafeEqual } from "node:crypto";

/** In a time that depends on neither text, their lengths included. */
export function sameSecret(given: string, expected: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
