import type { Socket } from "node:net";
import type { FastifyRequest } from "fastify";
import { canonicalAddress } from "#wire/address.ts";
import type { AuditApi } from "#wire/audit.ts";
import { hostSaid, type TrustedProxies, whereaboutsOf } from "#wire/trusted-proxies.ts";
import { traceparentOf } from "../observe/request-traces.ts";
import type { Whence } from "../services.ts";

const LOOPBACK_NAMES = ["localhost", "127.0.0.1", "[::1]"] as const;

const limits = {
  /** Addresses of this machine that requests have arrived at; a machine may have any number. */
  ownAddresses: 256,
} as const;

/**
 * Finds the origin of ours by which a request came, or `undefined` where its Host, or that of a trusted proxy, names no such origin.
 * Ours are the configured ones, in every spelling of loopback if they are on loopback, and the very address that
 * the connection arrived at: an address cannot be rebound, a name can, so no other name is believed. `configured` may
 * grow: an origin that has a port of the system's choice is known only when control listens.
 */
export function createOrigins(
  configured: readonly string[],
): (request: FastifyRequest) => string | undefined {
  let known = 0;
  let byHost: OriginsByHost = new Map();
  const byAddress = new Map<string, OriginsByHost>();

  return (request) => {
    const { socket } = request;
    const host = believed.get(request)?.host?.toLowerCase();
    if (host === undefined) return undefined;
    if (known !== configured.length) byHost = originsByHost(configured);
    known = configured.length;
    return byHost.get(host) ?? own(socket).get(host);
  };

  function own({ localAddress, localPort }: Socket): OriginsByHost {
    const at = `${localAddress} ${localPort}`;
    const met = byAddress.get(at);
    if (met !== undefined) return met;
    const origins = originsByHost(ownOrigins(localAddress, localPort));
    if (byAddress.size >= limits.ownAddresses) byAddress.clear();
    byAddress.set(at, origins);
    return origins;
  }
}

type OriginsByHost = ReadonlyMap<string, string>;

/** Of two origins under one Host header the first. */
function originsByHost(origins: readonly string[]): OriginsByHost {
  const entries = origins
    .flatMap(spellings)
    .flatMap((origin) => hostsOf(origin).map((host) => [host, origin] as const));
  return new Map(entries.toReversed());
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

/** What trusted proxies say of a request that came through them. */
const believed = new WeakMap<
  FastifyRequest,
  { readonly address: string; readonly host: string | undefined }
>();

/** To be called for each request as it arrives: what headers say is believed from trusted proxies and nobody else. */
export function believeProxies(request: FastifyRequest, trusted: TrustedProxies): void {
  const { headers, socket } = request;
  const peer = socket.remoteAddress ?? "";
  const { address } = whereaboutsOf(peer, headers["x-forwarded-for"], trusted);
  believed.set(request, { address, host: hostSaid(peer, headers, trusted) });
}

/** Where a request comes from, in its one spelling. */
export function callerAddress(request: FastifyRequest): string {
  return (
    believed.get(request)?.address ?? whereaboutsOf(request.socket.remoteAddress ?? "", undefined, []).address
  );
}

/** Where a request comes from, for the audit log. */
export function whenceOf(request: FastifyRequest, api: AuditApi): Whence & { readonly address: string } {
  const traceparent = traceparentOf(request);
  return {
    address: callerAddress(request),
    api,
    reference: request.id,
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

function ownOrigins(localAddress: string | undefined, localPort: number | undefined): string[] {
  const address = canonicalAddress(localAddress ?? "");
  if (address === undefined || localPort === undefined) return [];
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
