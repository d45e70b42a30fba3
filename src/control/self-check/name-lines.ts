import { Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import { hostOf } from "#base/process/probe/connection.ts";
import { codeOf, ProbeFailure } from "#base/process/probe/probe-failure.ts";
import { type ResolveName, systemNames } from "#base/process/probe/resolve-name.ts";
import { canonicalAddress } from "#wire/address.ts";
import type { Finding } from "#wire/findings.ts";
import type { CheckName, Facts, Seen } from "#wire/self-check.ts";
import type { CheckedNode } from "./checked-nodes.ts";

const limits = {
  lookupMs: 4_000,
  /** Look-ups at once: each holds one of the four threads that the process has for such things. */
  lookupsAtOnce: 2,
  /** From so many on that the resolver did not answer it is not asked again: a look-up goes on when nobody waits for it. */
  silences: 2,
} as const;

/** What control's own resolver says. */
export interface Names {
  readonly resolve: ResolveName;
  readonly nameServers: (domain: string, signal: AbortSignal) => Promise<readonly string[]>;
}

/** As this system is set up. */
export const SYSTEM_NAMES: Names = {
  resolve: systemNames,
  async nameServers(domain, signal) {
    const resolver = new Resolver({ timeout: 1_500, tries: 2 });
    const cancel = () => resolver.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      return await resolver.resolveNs(domain);
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  },
};

interface NamesSeen {
  readonly lines: readonly Seen<CheckName>[];
  /** By name. */
  readonly addresses: ReadonlyMap<string, readonly string[]>;
}

/** Whether the names that nodes are found by lead to them. Of several nodes with one name it is looked up once. */
export async function nameLines(
  nodes: readonly CheckedNode[],
  { resolve, ...parts }: { readonly resolve: Names["resolve"]; readonly signal: AbortSignal },
): Promise<NamesSeen> {
  const lines: Seen<CheckName>[] = [];
  const addresses = new Map<string, readonly string[]>();
  const byName = Map.groupBy(
    nodes.flatMap(({ entrance, ...node }) =>
      entrance === undefined || node.state !== "up"
        ? []
        : originsOf(entrance).map((origin) => ({ ...node, host: hostOf(new URL(origin)) })),
    ),
    ({ host }) => host,
  );
  const waiting = byName.entries();
  let silences = 0;
  const look = async () => {
    for (const [host, same] of waiting) {
      const signal = AbortSignal.any([parts.signal, AbortSignal.timeout(limits.lookupMs)]);
      const seen: SeenName =
        silences < limits.silences
          ? await seenOf(host, { resolve, signal })
          : { addresses: [], finding: "skipped_earlier", facts: {} };
      if (seen.finding === "resolver_silent") silences += 1;
      addresses.set(host, seen.addresses);
      if (isIP(host) !== 0) continue;
      const own = same.flatMap(({ own: known }) => (known === undefined ? [] : ownAddress(known.pageOrigin)));
      const [only] = same;
      lines.push({
        check: "control.name",
        subject: host,
        ...(new Set(same.map(({ id }) => id)).size === 1 && only !== undefined ? { nodeId: only.id } : {}),
        finding: seen.finding ?? (leadsTo(seen.addresses, own) ? "ok" : "name_elsewhere"),
        facts: { ...seen.facts, ...(own.length === 0 ? {} : { own: [...new Set(own)].join(", ") }) },
      });
    }
  };
  await Promise.all(Array.from({ length: limits.lookupsAtOnce }, look));
  return { lines, addresses };
}

/** The addresses of a name, and what is wrong with it. */
interface SeenName {
  readonly addresses: readonly string[];
  readonly finding?: Finding;
  readonly facts: Facts;
}

async function seenOf(
  host: string,
  { resolve, signal }: { readonly resolve: ResolveName; readonly signal: AbortSignal },
): Promise<SeenName> {
  try {
    const addresses = await resolve(host, signal);
    return { addresses, facts: { addresses: addresses.join(", ") } };
  } catch (error) {
    if (!(error instanceof ProbeFailure)) throw error;
    return { addresses: [], finding: error.finding, facts: error.facts };
  }
}

/** Resolves to nothing where there is no answer. */
export async function addressesOf(
  origin: string,
  { resolve, signal }: { readonly resolve: ResolveName; readonly signal: AbortSignal },
): Promise<readonly string[]> {
  if (!URL.canParse(origin)) return [];
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(limits.lookupMs)]);
  return (await seenOf(hostOf(new URL(origin)), { resolve, signal: inTime })).addresses;
}

/** Whether the world is sent to the name servers that the installation names. */
export async function domainLine(
  domain: string,
  {
    nameServers,
    wanted,
    signal,
  }: {
    readonly nameServers: Names["nameServers"];
    /** Of the setting; none where nobody has named any. */
    readonly wanted: readonly string[];
    readonly signal: AbortSignal;
  },
): Promise<Seen<CheckName>> {
  const name = domain.replace(/^\*\./, "");
  const line = (finding: Finding, facts: Facts = {}): Seen<CheckName> => ({
    check: "control.domain",
    ...(name === "" ? {} : { subject: name }),
    finding,
    facts,
  });
  if (name === "") return line("skipped_no_domain");
  try {
    const found = await nameServers(name, AbortSignal.any([signal, AbortSignal.timeout(limits.lookupMs)]));
    const told = {
      "name servers": found.join(", "),
      ...(wanted.length === 0 ? {} : { wanted: wanted.join(", ") }),
    };
    const isElsewhere = wanted.length > 0 && !found.some((server) => wanted.includes(server.toLowerCase()));
    return line(isElsewhere ? "domain_elsewhere" : "ok", told);
  } catch (error) {
    const reason = codeOf(error);
    signal.throwIfAborted();
    if (!["ENOTFOUND", "ENODATA"].includes(reason)) return line("resolver_silent", { reason });
    // Who names no servers may have the names in the zone above.
    return line(wanted.length > 0 ? "domain_not_delegated" : "skipped_not_delegated", { reason });
  }
}

function originsOf(entrance: { readonly pageOrigin: string; readonly webSocketOrigin: string }) {
  return [...new Set([entrance.pageOrigin, entrance.webSocketOrigin])];
}

/** Of a node that is known by an address. */
function ownAddress(origin: string): string[] {
  const host = hostOf(new URL(origin));
  return isIP(host) === 0 ? [] : [host];
}

/** A node that has a name of its own says no address: then any is right. */
function leadsTo(addresses: readonly string[], own: readonly string[]): boolean {
  const known = new Set(own.map(canonicalAddress));
  return own.length === 0 || addresses.some((address) => known.has(canonicalAddress(address)));
}
