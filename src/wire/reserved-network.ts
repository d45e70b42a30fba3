import { bytesOf, contains, type Network, networkAt, parseNetwork } from "./network.ts";

/** Where a hypervisor hardly ever is, and where whoever makes a node dial finds what is not meant for others. */
const RESERVED_KINDS = ["metadata", "loopback", "link-local"] as const;
export type ReservedKind = (typeof RESERVED_KINDS)[number];

interface ReservedNetwork {
  readonly kind: ReservedKind;
  readonly network: Network;
}

/** The narrower before the wider that they lie in. */
const NETWORKS: Readonly<Record<ReservedKind, readonly string[]>> = {
  metadata: [
    "169.254.169.254", // AWS, Azure, Google, OpenStack and most others
    "169.254.170.2", // AWS, for containers
    "169.254.170.23", // AWS, for pods
    "169.254.42.42", // Scaleway
    "169.254.0.23", // Tencent
    "168.63.129.16", // Azure
    "100.100.100.200", // Alibaba
    "192.0.0.192", // Oracle
    "fd00:ec2::254", // AWS
    "fd00:ec2::23", // AWS, for pods
    "fd20:ce::254", // Google
    "fd00:c1::a9fe:a9fe", // Oracle
    "fd00:42::42", // Scaleway
    "fd00:a9fe:a9fe::1", // Linode
    "fd00:100::100:200", // Alibaba
    "fe80::a9fe:a9fe", // OpenStack
  ],
  // Of 0.0.0.0/8 and :: systems make themselves.
  loopback: ["127.0.0.0/8", "0.0.0.0/8", "::1", "::"],
  "link-local": ["169.254.0.0/16", "fe80::/10"],
};

/** IPv6 addresses that stand for IPv4 addresses. IPv4-mapped ones are taken for IPv4 everywhere. */
interface Embedding {
  readonly within: Network;
  /** How many bits stand before the IPv4 address; several where only who runs the network knows. */
  readonly behindBits: readonly number[];
}

const EMBEDDINGS: readonly Embedding[] = [
  { within: parseNetwork("64:ff9b::/96"), behindBits: [96] }, // NAT64, RFC 6052 §2.1
  { within: parseNetwork("64:ff9b:1::/48"), behindBits: [48, 56, 64, 96] }, // a network's own NAT64, RFC 8215, RFC 6052 §2.2
  { within: parseNetwork("2002::/16"), behindBits: [16] }, // 6to4, RFC 3056 §2
  { within: parseNetwork("::/96"), behindBits: [96] }, // IPv4-compatible, RFC 4291 §2.5.5.1
  { within: parseNetwork("::ffff:0:0:0/96"), behindBits: [96] }, // IPv4-translated, RFC 2765 §2.1
];

const RESERVED: readonly ReservedNetwork[] = RESERVED_KINDS.flatMap((kind) =>
  NETWORKS[kind].map((text) => ({ kind, network: parseNetwork(text) })),
);

/** The reserved network that a numeric address lies in, whichever way it is spelled. */
export function reservedNetworkOf(address: string): ReservedNetwork | undefined {
  const embedded = embeddedIn(address);
  for (const { kind, network } of RESERVED) {
    if (contains(network, address)) return { kind, network };
    const found = embedded.find((each) => contains(network, each.address));
    if (found !== undefined)
      return { kind, network: networkAt(address, found.bitsUntil(network.prefixBits)) };
  }
  return undefined;
}

interface Embedded {
  readonly address: string;
  /** How many bits of the IPv6 address it takes until so many of the IPv4 address are said. */
  readonly bitsUntil: (prefixBits: number) => number;
}

/** What an IPv6 address has in it of IPv4, by each way in which it can be read. */
function embeddedIn(address: string): readonly Embedded[] {
  const embedding = EMBEDDINGS.find(({ within }) => contains(within, address));
  if (embedding === undefined) return [];
  const bytes = bytesOf(address);
  const { behindBits } = embedding;
  return (
    behindBits
      .map((bits) => {
        const places = Array.from({ length: 4 }, (_, index) => placeOf(bits / 8, index));
        return {
          address: places.map((place) => bytes[place]).join("."),
          bitsUntil: (prefixBits: number) =>
            8 * (placeOf(bits / 8, Math.ceil(prefixBits / 8) - 1) + 1) - ((8 - (prefixBits % 8)) % 8),
        };
      })
      // Where it can be read in several ways, zeros are what stands there if it is to be read in another.
      .filter((each) => behindBits.length === 1 || !each.address.startsWith("0."))
  );
}

/** RFC 6052 §2.2 leaves one octet out, the ninth. 6to4 ends before it. */
function placeOf(first: number, index: number): number {
  const place = first + index;
  return first < 9 && place >= 8 ? place + 1 : place;
}

/**
 * What never leaves a machine (RFC 1122 §3.2.1.3 (g), RFC 4291 §2.5.3). Narrower than the kind `loopback`, which has all that somebody may
 * mean by it who is not to reach it: of 0.0.0.0/8, 6to4 and NAT64 a machine can have addresses that others reach.
 */
const THIS_MACHINE: readonly Network[] = ["127.0.0.0/8", "::1"].map(parseNetwork);

/** Whether only programs of this machine reach what listens there, or are there. A name, and every address at once, are none such. */
export function isThisMachineAlone(address: string): boolean {
  return THIS_MACHINE.some((network) => contains(network, address));
}
