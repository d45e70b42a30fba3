const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, seconds: number])[] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** How long ago something was, in the largest unit that fits: “5 minutes ago”. Below a minute it is “now”. */
export function relativeTime(at: Date, now: Date, language: string): string {
  const seconds = (at.getTime() - now.getTime()) / 1_000;
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const [unit, length] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? [
    "second",
    Number.POSITIVE_INFINITY,
  ];
  return format.format(Math.trunc(seconds / length) || 0, unit);
}

/** The moment itself, to the second, in the reader's own time zone. */
export function exactTime(at: Date, language: string): string {
  return at.toLocaleString(language, { dateStyle: "long", timeStyle: "medium" });
}
