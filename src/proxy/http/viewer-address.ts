import type { Socket } from "node:net";
import { canonicalAddress } from "#wire/address.ts";

/** Connections that another node has handed on, and where their viewers came to it from. */
const vouched = new WeakMap<Socket, string>();

/** Where a viewer comes from, in the one spelling that addresses are compared by; empty when it has gone already. */
export function viewerAddress(socket: Socket): string {
  const address = vouched.get(socket) ?? socket.remoteAddress ?? "";
  return canonicalAddress(address) ?? address;
}

/** Takes another node's word for where a viewer comes from. */
export function vouchFor(socket: Socket, address: string): void {
  vouched.set(socket, address);
}

/** Whether another node has handed the connection on to this one. INVARIANT: it is not handed on again. */
export function isForwarded(socket: Socket): boolean {
  return vouched.has(socket);
}
