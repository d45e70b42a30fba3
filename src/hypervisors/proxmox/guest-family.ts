import type { GuestFamily } from "../driver.ts";

/** Of a machine's `ostype` (qemu-server, QemuServer.pm): whoever makes a machine picks one, and `other` is what it is if nobody does. */
export function guestFamily(osType: string | undefined): GuestFamily {
  if (osType === undefined || osType === "other") return "unknown";
  if (/^w(?:xp|2k|2k3|2k8|vista|in\d+)$/.test(osType)) return "windows";
  return /^l2\d$/.test(osType) ? "linux" : "other";
}
