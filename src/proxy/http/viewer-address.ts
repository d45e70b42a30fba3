import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import {
  hostSaid,
  isTrusted,
  type TrustedProxies,
  type Whereabouts,
  whereaboutsOf,
} from "#wire/trusted-proxies.ts";

/** Connections that another node has handed on, and where their viewers came to it from. */
const vouched = new WeakMap<Socket, Whereabouts>();

/** Requests that came by TLS as far as their proxy. */
const secured = new WeakSet<IncomingMessage>();

/** Connections before which a proxy has said whose they are, or, `undefined`, that it does not know. */
const announced = new WeakMap<Socket, string | undefined>();

/** The Host that a viewer asked. */
const hosts = new WeakMap<IncomingMessage, string | undefined>();

/** What front proxies say. By request: on one connection a proxy asks for many viewers. */
const believed = new WeakMap<IncomingMessage, Whereabouts>();

/** Where a viewer comes from. The address is empty when it has gone already. */
export function viewerOf(request: IncomingMessage): Whereabouts {
  return (
    vouched.get(request.socket) ??
    believed.get(request) ??
    whereaboutsOf(peerOf(request.socket), undefined, [])
  );
}

/** The same in the one spelling that addresses are compared by. */
export function viewerAddress(request: IncomingMessage): string {
  return viewerOf(request).address;
}

/**
 * To be called for each request as it arrives: what headers say is believed from trusted proxies and nobody else. A proxy that
 * announces connections writes no headers into them: there, they are the word of whom it has announced.
 */
export function believeProxies(request: IncomingMessage, proxies: TrustedProxies): void {
  const { socket } = request;
  const isUnknown = announced.has(socket) && announced.get(socket) === undefined;
  const trusted = isUnknown ? [] : proxies;
  believed.set(request, whereaboutsOf(peerOf(socket), request.headers["x-forwarded-for"], trusted));
  hosts.set(request, hostSaid(peerOf(socket), request.headers, trusted));
  const isProxy = isTrusted(trusted, peerOf(socket));
  if (isProxy && request.headers["x-forwarded-proto"] === "https") secured.add(request);
}

/** As the browser wrote it, if it did. */
export function hostOf(request: IncomingMessage): string | undefined {
  return hosts.get(request) ?? request.headers.host;
}

/** Whether a proxy says that the viewer came to it by TLS. */
export function isSecuredAhead(request: IncomingMessage): boolean {
  return secured.has(request);
}

/** Takes a proxy's word for whose connection it is, said before the viewer's own first byte. */
export function announce(socket: Socket, address: string | undefined): void {
  announced.set(socket, address);
}

/** Where a connection is one on another, what was announced of that. */
export function announceAs(under: Socket, socket: Socket): void {
  if (announced.has(under)) announced.set(socket, announced.get(under));
}

/** The other end of a connection, by what a proxy announced where one did. Empty when it has gone already. */
export function peerOf(socket: Socket): string {
  return announced.get(socket) ?? socket.remoteAddress ?? "";
}

/** Takes another node's word for where a viewer comes from. */
export function vouchFor(socket: Socket, viewer: Whereabouts): void {
  vouched.set(socket, viewer);
}

/** Whether another node has handed the connection on to this one. INVARIANT: it is not handed on again. */
export function isForwarded(socket: Socket): boolean {
  return vouched.has(socket);
}
