import { type DecodedPacket, decode, encode, type Packet } from "dns-packet";
import { Zone } from "#dns/zone.ts";
import type { ZoneData } from "#dns/zone-data.ts";

/** A zone with something of everything. */
const ZONE: ZoneData = {
  domain: "console.example",
  nameServers: [
    { name: "ns1.console.example", addresses: ["192.0.2.53", "2001:db8::53"] },
    { name: "ns2.other.example", addresses: [] },
  ],
  contact: "host.master@example.com",
  serial: 7,
  issuers: ["letsencrypt.org"],
  apex: ["203.0.113.7", "2001:db8::7"],
  addresses: ["203.0.113.7", "2001:db8::7", "::1"],
  ranges: [],
  texts: new Map([["_acme-challenge.console.example", ["one", "two"]]]),
};

export function testZone(data: Partial<ZoneData> = {}): Zone {
  return new Zone({ ...ZONE, ...data });
}

/** A query as any client writes it. `type` may be one that dns-packet has no name for. */
export function question(name: string, type: number, more: Packet = {}): Buffer {
  const bytes = encode({ type: "query", id: 4711, questions: [{ name, type: "A", class: "IN" }], ...more });
  bytes.writeUInt16BE(type, 12 + nameBytes(name));
  return bytes;
}

/** OPT, as a resolver sends it. */
export function edns(
  options: { udpBytes?: number; version?: number; wantsSignatures?: boolean } = {},
): Packet {
  const { udpBytes = 1232, version = 0, wantsSignatures = false } = options;
  return {
    additionals: [
      {
        type: "OPT",
        name: ".",
        udpPayloadSize: udpBytes,
        extendedRcode: 0,
        ednsVersion: version,
        flags: wantsSignatures ? 0x8000 : 0,
        flag_do: wantsSignatures,
        options: [],
      },
    ],
  };
}

export function read(bytes: Buffer): DecodedPacket & { readonly rcode: string } {
  return decode(bytes) as DecodedPacket & { readonly rcode: string };
}

function nameBytes(name: string): number {
  return name === "." ? 1 : name.length + 2;
}
