import type { GuestFamily } from "../driver.ts";

/** Who names its systems how, in libosinfo: http://VENDOR/SYSTEM/VERSION. */
const FAMILIES: readonly (readonly [RegExp, GuestFamily])[] = [
  [/^https?:\/\/microsoft\.com\//, "windows"],
  [/^https?:\/\/(freebsd|openbsd|netbsd|dragonflybsd)\.org\//, "bsd"],
  [/^https?:\/\/apple\.com\//, "macos"],
  [
    /^https?:\/\/(oracle\.com\/solaris|sun\.com|illumos\.org|omnios\.org|novell\.com\/netware|haiku-os\.org|freedos\.org)/,
    "other",
  ],
  [/^https?:\/\//, "linux"],
];

/** Of an id that nobody set, nothing is known; of what libosinfo knows beside those named here, all is Linux. */
export function guestFamily(osId: string | undefined): GuestFamily {
  return FAMILIES.find(([pattern]) => osId !== undefined && pattern.test(osId))?.[1] ?? "unknown";
}
