import type { Certificate } from "./certificate.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** From here on people are told of an end, wherever certificates are listed. What renews itself has done so before. */
const SOON_DAYS = 14;

/** Of what an authority renews by itself, however short it lives: its last part, in which that should have come about. */
const LAST_PART = 1 / 4;

/** How it stands with something that ends at a time; both in milliseconds since 1970. */
export function lasting(
  notAfter: number,
  now: number,
  soonMs: number = SOON_DAYS * DAY_MS,
): "good" | "soon" | "ended" {
  if (notAfter <= now) return "ended";
  return notAfter - now <= soonMs ? "soon" : "good";
}

export function lastingOf(
  { notBefore, notAfter, source }: Pick<Certificate, "notBefore" | "notAfter" | "source">,
  now: number,
): "good" | "soon" | "ended" {
  const [from, to] = [Date.parse(notBefore), Date.parse(notAfter)];
  if (source !== "acme") return lasting(to, now);
  return lasting(to, now, Math.min(SOON_DAYS * DAY_MS, (to - from) * LAST_PART));
}

/** In whole days, the one that has begun among them: 5 until a certificate of five days has only four. Below 0 it has ended. */
export function daysLeft(notAfter: number, now: number): number {
  return Math.ceil((notAfter - now) / DAY_MS) || 0;
}
