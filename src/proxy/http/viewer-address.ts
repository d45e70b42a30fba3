import type { Socket } from "node:net";
import { canonicalAddress } from "#wire/address.ts";

/** Where a viewer comes from, in the one spelling that addresses are compared by; empty when it has gone already. */
export function viewerAddress(socket: Socket): string {
  const address = socket.remoteAddress ?? "";
  return canonicalAddress(address) ?? address;
}
