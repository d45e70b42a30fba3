import type { GuestFamily } from "../driver.ts";

/** VirtualMachineGuestOsIdentifier: what each family's identifiers begin with. */
const FAMILIES: readonly (readonly [RegExp, GuestFamily])[] = [
  [/^win/i, "windows"],
  [/^darwin/i, "macos"],
  [/^freebsd/i, "bsd"],
  [/^other(guest|guest64)?$/i, "unknown"],
  [/^(solaris|dos|netware|os2|openserver|unixware|eComStation)/i, "other"],
  [/^(vmkernel|crx)/i, "other"],
  [/[a-z]/i, "linux"],
];

/** By what is set on the machine, whatever runs there. */
export function guestFamily(guestId: string | undefined): GuestFamily {
  return FAMILIES.find(([pattern]) => guestId !== undefined && pattern.test(guestId))?.[1] ?? "unknown";
}
