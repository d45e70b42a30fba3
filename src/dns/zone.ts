import { type Answer, encode } from "dns-packet";
import ipaddr from "ipaddr.js";
import { dashed, undashed } from "./dashed-name.ts";
import { mailboxName, SOA_TIMES, TTL, type ZoneData } from "./zone-data.ts";

const limits = {
  /**
   * Of the domain's own addresses, of each family: as many as fit into a datagram that everybody takes. Of more, each
   * answer has some.
   */
  addresses: 24,
  /** Names of ranges that are kept once they were asked for; when there are more, all are made anew. */
  ranged: 4096,
  /** Orders in which these are told, so that not everybody begins with the same. */
  orders: 16,
} as const;

/** RFC 1035 §3.2.2, and where the others are from. */
export const TYPES = { A: 1, NS: 2, SOA: 6, HINFO: 13, TXT: 16, AAAA: 28, CAA: 257, ANY: 255 } as const;

/** A record without its owner, which the message points to. */
type Body = Buffer;

/** All records of one name and type: the same ones in each order. */
type RecordSet = readonly (readonly Body[])[];

/** By the number of the type. */
export type Node = ReadonlyMap<number, RecordSet>;

/** The domain as questions are answered from it: everything that can be is made beforehand. */
export class Zone {
  readonly #suffix: string;
  readonly #nodes: ReadonlyMap<string, Node>;
  readonly #ranges: readonly (readonly [first: Buffer, last: Buffer])[];
  readonly #ranged = new Map<string, Node>();
  /** In every answer that says no, RFC 2308 §3. */
  readonly soa: Body;

  constructor(data: ZoneData) {
    this.#suffix = wireName(data.domain);
    const soa = soaOf(data);
    // Of what there is not, it is kept for no longer than the minimum.
    this.soa = body({ ...soa, ttl: TTL.nothing });
    this.#nodes = nodesOf(data, body(soa));
    this.#ranges = data.ranges.map(({ first, last }) => [bytesOf(first), bytesOf(last)]);
  }

  /** How many bytes of a name stand before the domain; `undefined` where it is outside. */
  prefixOf(name: string): number | undefined {
    const length = name.length - this.#suffix.length;
    let at = 0;
    // From label to label: bytes inside of one may look like the domain.
    while (at < length) at += 1 + name.charCodeAt(at);
    return at === length && name.endsWith(this.#suffix) ? length : undefined;
  }

  /** `undefined` where there is no such name. */
  node(prefix: string): Node | undefined {
    return this.#nodes.get(prefix) ?? this.#inRange(prefix);
  }

  #inRange(prefix: string): Node | undefined {
    const kept = this.#ranged.get(prefix);
    if (kept !== undefined) return kept;
    if (this.#ranges.length === 0 || prefix.charCodeAt(0) !== prefix.length - 1) return undefined;
    const address = undashed(prefix.slice(1));
    if (address === undefined) return undefined;
    const bytes = bytesOf(address);
    const isIn = this.#ranges.some(
      ([first, last]) =>
        first.length === bytes.length && first.compare(bytes) <= 0 && bytes.compare(last) <= 0,
    );
    if (!isIn) return undefined;
    const node = nodeOf([addressRecord(address)]);
    if (this.#ranged.size >= limits.ranged) this.#ranged.clear();
    this.#ranged.set(prefix, node);
    return node;
  }
}

/** A name in wire form, one character a byte. */
function wireName(name: string): string {
  return `${name.split(".").map(wireLabel).join("")}\0`;
}

function wireLabel(label: string): string {
  return String.fromCharCode(label.length) + label;
}

/** By what stands before the domain; with empty nodes for names that only others are below of, which exist (RFC 8020). */
function nodesOf(data: ZoneData, soa: Body): Map<string, Node> {
  const nodes = new Map<string, Map<number, RecordSet>>();
  const at = (prefix: string): Map<number, RecordSet> => {
    const there = nodes.get(prefix);
    if (there !== undefined) return there;
    const made = new Map<number, RecordSet>();
    nodes.set(prefix, made);
    if (prefix !== "") at(prefix.slice(1 + prefix.charCodeAt(0)));
    return made;
  };
  const apex = at("");
  apex.set(TYPES.SOA, [[soa]]);
  apex.set(TYPES.NS, [
    data.nameServers.map(({ name }) => body({ type: "NS", name: ".", ttl: TTL.rest, data: name })),
  ]);
  if (data.issuers.length > 0) apex.set(TYPES.CAA, [data.issuers.map(issuerRecord).map(body)]);
  for (const [type, records] of nodeOf(data.apex.map(addressRecord))) apex.set(type, records);
  for (const address of data.addresses)
    for (const [type, records] of nodeOf([addressRecord(address)]))
      at(wireLabel(dashed(address))).set(type, records);
  for (const { name, addresses } of data.nameServers) {
    const prefix = prefixIn(name, data.domain);
    if (prefix === undefined) continue;
    for (const [type, records] of nodeOf(addresses.map(addressRecord))) at(prefix).set(type, records);
  }
  for (const [name, values] of data.texts) {
    const prefix = prefixIn(name, data.domain);
    if (prefix !== undefined && values.length > 0)
      at(prefix).set(TYPES.TXT, [
        values.map((data) => body({ type: "TXT", name: ".", ttl: TTL.texts, data: [data] })),
      ]);
  }
  return nodes;
}

function prefixIn(name: string, domain: string): string | undefined {
  if (name === domain) return "";
  if (!name.endsWith(`.${domain}`)) return undefined;
  return name
    .slice(0, -domain.length - 1)
    .split(".")
    .map(wireLabel)
    .join("");
}

function nodeOf(records: readonly AddressRecord[]): Node {
  const node = new Map<number, RecordSet>();
  for (const type of ["A", "AAAA"] as const) {
    const bodies = records.filter((record) => record.type === type).map(body);
    if (bodies.length > 0) node.set(TYPES[type], inOrders(bodies));
  }
  return node;
}

function inOrders(bodies: readonly Body[]): RecordSet {
  const orders = Math.min(bodies.length, limits.orders);
  return Array.from({ length: orders }, (_, order) => {
    const start = Math.floor((order * bodies.length) / orders);
    return [...bodies.slice(start), ...bodies.slice(0, start)].slice(0, limits.addresses);
  });
}

interface AddressRecord {
  readonly type: "A" | "AAAA";
  readonly name: ".";
  readonly ttl: number;
  readonly data: string;
}

function addressRecord(address: string): AddressRecord {
  const type = address.includes(":") ? "AAAA" : "A";
  return { type, name: ".", ttl: TTL.addresses, data: address };
}

function issuerRecord(value: string): Answer {
  return { type: "CAA", name: ".", ttl: TTL.rest, data: { flags: 0, tag: "issue", value } };
}

function soaOf({ nameServers, contact, serial }: ZoneData): Extract<Answer, { type: "SOA" }> {
  const [primary] = nameServers;
  if (primary === undefined) throw new Error("a zone has a name server");
  const data = {
    mname: primary.name,
    rname: mailboxName(contact),
    serial,
    ...SOA_TIMES,
    minimum: TTL.nothing,
  };
  return { type: "SOA", name: ".", ttl: TTL.rest, data };
}

/** RFC 8482 §4.2: what is answered to a question for everything. */
export const MINIMAL_ANY: Body = body({
  type: "HINFO",
  name: ".",
  ttl: TTL.rest,
  data: { cpu: "RFC8482", os: "" },
});

/** Type, class, time to live and data, as dns-packet writes them behind a message's header and the name of the root. */
function body(record: Answer): Body {
  return encode({ type: "response", answers: [record] }).subarray(13);
}

function bytesOf(address: string): Buffer {
  return Buffer.from(ipaddr.parse(address).toByteArray());
}
