import type { FastifyRequest } from "fastify";
import { canonicalAddress } from "#wire/address.ts";

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"] as const;

/**
 * The origin of ours by which a request came, or `undefined` where its Host header names no such origin.
 * Ours are the configured ones, in every spelling of loopback if they are on loopback, and the very address that
 * the connection arrived at: an address cannot be rebound, a name can, so no other name is believed.
 */
export function originOf(request: FastifyRequest, configured: readonly string[]): string | undefined {
  const host = request.headers.host?.toLowerCase();
  if (host === undefined) return undefined;
  return [...configured, ...ownAddress(request)]
    .flatMap(spellings)
    .find((origin) => hostsOf(origin).includes(host));
}

/** What the browser says about the page that a request came from; other clients say nothing. */
export type Provenance = "ours" | "foreign" | "unsaid";

/**
 * Fetch Metadata where the browser sends it (`none` is a person's own doing: a typed address, a bookmark),
 * the Origin header where it does not.
 */
export function provenanceOf(request: FastifyRequest, origin: string): Provenance {
  const site = request.headers["sec-fetch-site"];
  if (site !== undefined) return site === "same-origin" || site === "none" ? "ours" : "foreign";
  if (request.headers.origin === undefined) return "unsaid";
  return request.headers.origin === origin ? "ours" : "foreign";
}

/** Browsers send Fetch Metadata only to origins that they trust: TLS, and loopback. */
export function isTrustworthy(origin: string): boolean {
  const { protocol, hostname } = new URL(origin);
  return protocol === "https:" || LOOPBACK_NAMES.some((name) => name === hostname);
}

/** The peer of the connection, in its one spelling. Headers that name another are not believed. */
export function peerAddress(request: FastifyRequest): string {
  const { remoteAddress = "" } = request.socket;
  return canonicalAddress(remoteAddress) ?? remoteAddress;
}

function ownAddress(request: FastifyRequest): string[] {
  const { localAddress, localPort } = request.socket;
  if (localAddress === undefined || localPort === undefined) return [];
  const address = canonicalAddress(localAddress);
  if (address === undefined) return [];
  return [new URL(`http://${address.includes(":") ? `[${address}]` : address}:${localPort}`).origin];
}

function spellings(origin: string): readonly string[] {
  const { protocol, hostname, port } = new URL(origin);
  if (!LOOPBACK_NAMES.some((name) => name === hostname)) return [origin];
  return LOOPBACK_NAMES.map((name) => new URL(`${protocol}//${name}${port === "" ? "" : `:${port}`}`).origin);
}

/** As a Host header has it: the default port may stand there or not. */
function hostsOf(origin: string): readonly string[] {
  const { host, port, protocol } = new URL(origin);
  return port === "" ? [host, `${host}:${protocol === "https:" ? 443 : 80}`] : [host];
}
