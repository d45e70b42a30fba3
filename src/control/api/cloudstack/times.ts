/** CloudStack writes times as `2026-11-22T01:02:03+0000`. */
export function cloudStackTime(time: string): string {
  return time.replace(/(?:\.\d+)?Z$/, "+0000");
}

/**
 * `2026-11-22T01:02:03+0000` and the other forms that CloudStack reads: the offset with a colon or as Z, fractions
 * of a second, and Z followed by the offset, which older clients send. Milliseconds since 1970.
 */
export function readTime(text: string): number | undefined {
  const [, time, hours = "+00", minutes = "00"] =
    /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?:Z|Z?([+-]\d\d):?(\d\d))$/.exec(text) ?? [];
  const moment = Date.parse(`${time}${hours}:${minutes}`);
  return Number.isNaN(moment) ? undefined : moment;
}
