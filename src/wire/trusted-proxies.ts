import { canonicalAddress } from "./address.ts";
import { contains, type Network, parseNetwork } from "./network.ts";

/** The front proxies whose word is believed for where a request comes from. */
export type TrustedProxies = readonly Network[];

const limits = {
  /** Proxies that one request has come through; what is named before them is of no interest. */
  hops: 16,
} as const;

/** Reads one item of the list that an operator gives. Throws an Error that says what is wrong with it. */
export function parseTrustedProxy(text: string): Network {
  return parseNetwork(text);
}

export function isTrusted(trusted: TrustedProxies, address: string): boolean {
  return trusted.some((network) => contains(network, address));
}

/** Where a request comes from, as far as it can be known. */
export interface Whereabouts {
  /** In its one spelling. */
  readonly address: string;
  /** Why that may be a proxy's address, and not the viewer's. */
  readonly doubt?: "no header" | "not trusted";
}

/**
 * Reads `X-Forwarded-For`, to whose end each proxy writes whom it had the request from: from the last one on, as long as
 * they are proxies that are trusted. The first other one is who asks; what is named before it, anybody could have written.
 * What is no address ends it, too: then it is the proxy that has written it.
 */
export function whereaboutsOf(
  peer: string,
  header: string | readonly string[] | undefined,
  trusted: TrustedProxies,
): Whereabouts {
  const forwardedFor = typeof header === "object" ? header.join(",") : header;
  const address = canonicalAddress(peer) ?? peer;
  if (!isTrusted(trusted, address))
    return forwardedFor === undefined ? { address } : { address, doubt: "not trusted" };
  if (forwardedFor === undefined) return { address, doubt: "no header" };
  return { address: firstUntrusted(address, forwardedFor, trusted) };
}

/**
 * The Host that a request was made to: what a trusted proxy says in `X-Forwarded-Host`, where it has changed the header itself.
 * Of several the last, which that proxy has written.
 */
export function hostSaid(
  peer: string,
  headers: {
    readonly host?: string | undefined;
    readonly "x-forwarded-host"?: string | string[] | undefined;
  },
  trusted: TrustedProxies,
): string | undefined {
  const { host, "x-forwarded-host": header } = headers;
  if (header === undefined || !isTrusted(trusted, canonicalAddress(peer) ?? peer)) return host;
  return [header].flat().join(",").split(",").at(-1)?.trim() || host;
}

function firstUntrusted(peer: string, forwardedFor: string, trusted: TrustedProxies): string {
  let known = peer;
  for (const named of forwardedFor.split(",").slice(-limits.hops).reverse()) {
    const address = addressIn(named.trim());
    if (address === undefined) return known;
    known = address;
    if (!isTrusted(trusted, address)) return known;
  }
  return known;
}

/** Some proxies write the port behind it, and around IPv6 then brackets. */
function addressIn(named: string): string | undefined {
  const [, bracketed] = /^\[([^\]]+)\](?::\d{1,5})?$/.exec(named) ?? [];
  const [, beforePort] = /^([\d.]+):\d{1,5}$/.exec(named) ?? [];
  return canonicalAddress(bracketed ?? beforePort ?? named);
}
