import { networkInterfaces } from "node:os";
import type { HostPort } from "#base/config.ts";
import { canonicalAddress, isWildcard } from "#wire/address.ts";
import { reservedNetworkOf } from "#wire/reserved-network.ts";

/** What of this installation listens somewhere, as far as this node knows. */
export interface Listening {
  /** Ports of this process, whatever address of this machine they are on. */
  readonly ports: readonly number[];
  /** Of control and of other nodes, where their addresses are known by number. */
  readonly elsewhere: readonly HostPort[];
}

interface Known {
  readonly own: readonly HostPort[];
  /** The origin of the node's admin port. */
  readonly admin: string | undefined;
  readonly peers: Iterable<HostPort>;
  /** Where control was found, and on which ports it says that it listens. */
  readonly control: { readonly addresses: readonly string[]; readonly ports: readonly number[] };
}

/** What is known now of where Porthole listens. */
export function listeningOf({ own, admin, peers, control }: Known): Listening {
  const adminPorts = admin === undefined ? [] : [Number(new URL(admin).port)];
  const controls = control.addresses.flatMap((host) => control.ports.map((port) => ({ host, port })));
  return { ports: [...own.map(({ port }) => port), ...adminPorts], elsewhere: [...peers, ...controls] };
}

/**
 * Whether Porthole itself listens at a numeric address: a console that leads there is none, and what stands behind that port
 * trusts who comes from here. A port of this machine counts at all of its addresses, since what listens on every address does.
 */
export function isOwnListener({ ports, elsewhere }: Listening, address: string, port: number): boolean {
  const isHere = isOfThisMachine(address);
  if (isHere && ports.includes(port)) return true;
  const named = canonicalAddress(address);
  return elsewhere.some(
    (other) =>
      other.port === port &&
      (canonicalAddress(other.host) === named || (isHere && isOfThisMachine(other.host))),
  );
}

function isOfThisMachine(address: string): boolean {
  if (isWildcard(address) || reservedNetworkOf(address)?.kind === "loopback") return true;
  const named = canonicalAddress(address);
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some((own) => canonicalAddress(own.address) === named),
  );
}
