const DAY_MS = 24 * 60 * 60 * 1000;

/** From here on people are told of an end, wherever certificates are listed. What renews itself has done so before. */
const SOON_DAYS = 14;

/** How it stands with something that ends at a time; both in milliseconds since 1970. */
export function lasting(notAfter: number, now: number): "good" | "soon" | "ended" {
  if (notAfter <= now) return "ended";
  return daysLeft(notAfter, now) <= SOON_DAYS ? "soon" : "good";
}

/** In whole days, the one that has begun among them: 5 until a certificate of five days has only four. Below 0 it has ended. */
export function daysLeft(notAfter: number, now: number): number {
  return Math.ceil((notAfter - now) / DAY_MS) || 0;
}
