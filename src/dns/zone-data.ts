/** What there is to be said of the domain. Names are in small letters and without a dot at the end. */
export interface ZoneData {
  readonly domain: string;
  /** Not empty: the first is the primary one. */
  readonly nameServers: readonly NameServer[];
  /** The mail address of whoever is responsible. */
  readonly contact: string;
  readonly serial: number;
  /** Authorities that may issue certificates, as they call themselves (RFC 8659); none named means any. */
  readonly issuers: readonly string[];
  /** The domain's own addresses, IPv4 and IPv6. */
  readonly apex: readonly string[];
  /** Addresses that have a dashed name each. */
  readonly addresses: readonly string[];
  /** And those of these, both ends included. */
  readonly ranges: readonly AddressRange[];
  /** TXT records by the whole name that has them, each with all of its values. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
}

export interface NameServer {
  readonly name: string;
  /** Where the name is inside the domain, so that nobody else can say. */
  readonly addresses: readonly string[];
}

interface AddressRange {
  readonly first: string;
  readonly last: string;
}

/** Seconds, as the records have them. */
export const TTL = {
  /** A node that has moved is found again within a minute. */
  addresses: 60,
  /** What no node has yet, it may have in a moment: RFC 2308 §5, the SOA's minimum. */
  nothing: 10,
  /** An authority that asks again is to see the newest. */
  texts: 1,
  /** Name servers and authorities hardly change. */
  rest: 3600,
} as const;

/** For secondary servers, of which there are none: RFC 1912 §2.2. */
export const SOA_TIMES = { refresh: 3600, retry: 600, expire: 604_800 } as const;

/** A mail address as the name of a mailbox (RFC 1035 §8): dots before the @ are escaped. */
export function mailboxName(contact: string): string {
  const at = contact.lastIndexOf("@");
  return `${contact.slice(0, at).replaceAll(".", "\\.")}.${contact.slice(at + 1)}`;
}
