import { words } from "../words.ts";

const SHOWN_NAMES = 3;

/** The names of a certificate in a sentence: there may be a hundred. */
export function namesText(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN_NAMES).join(", ");
  const more = names.length - SHOWN_NAMES;
  return more > 0 ? `${shown} ${words.value.ofCertificates.moreNames(String(more))}` : shown;
}

export function poolText(pool: string | undefined): string {
  return pool ?? words.value.ofCertificates.allPools;
}

/** Who signed it, as people call them: of a whole name, that is the common name. */
export function issuerText(issuer: string): string {
  return /(?:^|, )CN=([^,]+)/.exec(issuer)?.[1] ?? issuer;
}

/** “in 5 days”, “tomorrow”, “2 days ago”. */
export function inDays(days: number, language: string): string {
  return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(days, "day");
}

export function dayText(time: string, language: string): string {
  return new Date(time).toLocaleDateString(language, { dateStyle: "long" });
}

/** “5.2 MB”, in powers of 1000. */
export function bytesText(bytes: number, language: string): string {
  const [unit, size] = bytes >= 1e6 ? (["megabyte", 1e6] as const) : (["kilobyte", 1e3] as const);
  const format = new Intl.NumberFormat(language, { style: "unit", unit, maximumFractionDigits: 1 });
  return format.format(bytes / size);
}
