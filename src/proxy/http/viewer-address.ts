import type { Socket } from "node:net";
import ipaddr from "ipaddr.js";

/** Where a viewer comes from, as everybody writes it: an IPv4 address on a dual-stack socket is an IPv4 address. */
export function viewerAddress(socket: Socket): string {
  return normalAddress(socket.remoteAddress ?? "");
}

/** One spelling per address, without a zone, so that two can be compared. What is no address stays as it is. */
export function normalAddress(address: string): string {
  const [numeric = ""] = address.split("%");
  return ipaddr.isValid(numeric) ? ipaddr.process(numeric).toString() : address;
}
