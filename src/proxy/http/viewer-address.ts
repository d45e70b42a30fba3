import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { type TrustedProxies, type Whereabouts, whereaboutsOf } from "#wire/trusted-proxies.ts";

/** Connections that another node has handed on, and where their viewers came to it from. */
const vouched = new WeakMap<Socket, Whereabouts>();

/** What front proxies say. By request: on one connection a proxy asks for many viewers. */
const believed = new WeakMap<IncomingMessage, Whereabouts>();

/** Where a viewer comes from. The address is empty when it has gone already. */
export function viewerOf(request: IncomingMessage): Whereabouts {
  return (
    vouched.get(request.socket) ??
    believed.get(request) ??
    whereaboutsOf(request.socket.remoteAddress ?? "", undefined, [])
  );
}

/** The same in the one spelling that addresses are compared by. */
export function viewerAddress(request: IncomingMessage): string {
  return viewerOf(request).address;
}

/** To be called for each request as it arrives: what headers say is believed from trusted proxies and nobody else. */
export function believeProxies(request: IncomingMessage, trusted: TrustedProxies): void {
  const header = request.headers["x-forwarded-for"];
  const forwardedFor = Array.isArray(header) ? header.join(",") : header;
  believed.set(request, whereaboutsOf(request.socket.remoteAddress ?? "", forwardedFor, trusted));
}

/** Takes another node's word for where a viewer comes from. */
export function vouchFor(socket: Socket, viewer: Whereabouts): void {
  vouched.set(socket, viewer);
}

/** Whether another node has handed the connection on to this one. INVARIANT: it is not handed on again. */
export function isForwarded(socket: Socket): boolean {
  return vouched.has(socket);
}
