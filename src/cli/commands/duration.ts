import { InvalidArgumentError } from "commander";

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** An option's `90s`, `30m`, `12h` or `7d`, in seconds. */
export function duration(text: string): number {
  const [, count = "", unit = ""] = /^([1-9]\d{0,7})([smhd])$/.exec(text) ?? [];
  if (count === "")
    throw new InvalidArgumentError("It must be a number and a unit, such as 90s, 30m, 12h or 7d.");
  return Number(count) * SECONDS[unit as keyof typeof SECONDS];
}
