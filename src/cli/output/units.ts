const UNITS = [
  { ms: 365 * 86_400_000, name: "year" },
  { ms: 30 * 86_400_000, name: "month" },
  { ms: 86_400_000, name: "day" },
  { ms: 3_600_000, name: "hour" },
  { ms: 60_000, name: "minute" },
  { ms: 1000, name: "second" },
] as const;

const english = new Intl.RelativeTimeFormat("en", { numeric: "always" });

/** "3 minutes ago" or "in 2 hours"; `time` is RFC 3339, `now` milliseconds since 1970. */
export function relativeTime(time: string, now: number): string {
  const distance = Date.parse(time) - now;
  const unit = UNITS.find(({ ms }) => Math.abs(distance) >= ms);
  return unit === undefined ? "just now" : english.format(Math.trunc(distance / unit.ms), unit.name);
}

const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** "1.4 MB", in powers of 1000. */
export function byteCount(bytes: number): string {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), BYTE_UNITS.length - 1);
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[power]}`;
}
