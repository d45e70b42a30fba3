import ipaddr from "ipaddr.js";

/** From the most private on, as browsers have it (Local Network Access, “IP address space”). */
const ADDRESS_SPACES = ["loopback", "local", "public"] as const;
export type AddressSpace = (typeof ADDRESS_SPACES)[number];

const LOCAL: ReadonlySet<string> = new Set([
  "private",
  "carrierGradeNat",
  "linkLocal",
  "uniqueLocal",
  "unspecified",
]);

/** Where an address leads: to the machine itself, into a network that is reached from inside, or to the world. */
export function addressSpaceOf(address: string): AddressSpace | undefined {
  if (!ipaddr.isValid(address)) return undefined;
  const range = ipaddr.process(address).range();
  if (range === "loopback") return "loopback";
  return LOCAL.has(range) ? "local" : "public";
}

/** The most private of several; `undefined` where there is none. */
export function mostPrivate(addresses: readonly string[]): AddressSpace | undefined {
  const spaces = addresses.map(addressSpaceOf);
  return ADDRESS_SPACES.find((space) => spaces.includes(space));
}

/** Whether a browser asks before a page of the one reaches the other. */
export function isMorePrivate(space: AddressSpace, than: AddressSpace): boolean {
  return ADDRESS_SPACES.indexOf(space) < ADDRESS_SPACES.indexOf(than);
}
