import { type AddressSpace, isMorePrivate, mostPrivate } from "#wire/address-space.ts";
import type { CheckName, Seen, SelfCheck } from "#wire/self-check.ts";

/** What browsers call the permission: of the finer names first, which are newer. */
export const PERMISSIONS: Readonly<Record<Exclude<AddressSpace, "public">, readonly string[]>> = {
  local: ["local-network", "local-network-access"],
  loopback: ["loopback-network", "local-network-access"],
};

/**
 * Whether the browser lets pages here reach nodes (Local Network Access): it asks people where a page of a public address
 * wants something of a private one, and remembers what they say.
 */
export async function localNetworkLine(
  { addresses, entrances }: Pick<SelfCheck, "addresses" | "entrances">,
  { isSecure, query }: { readonly isSecure: boolean; readonly query: (name: string) => Promise<string> },
): Promise<Seen<CheckName>> {
  const page = mostPrivate(addresses) ?? "public";
  const nodes = mostPrivate(entrances.flatMap((entrance) => entrance.addresses)) ?? "public";
  const facts = { "this page": page, nodes };
  const line = (finding: string, more: Readonly<Record<string, string>> = {}): Seen<CheckName> => ({
    check: "client.local-network",
    finding,
    facts: { ...facts, ...more },
  });
  if (nodes === "public" || !isMorePrivate(nodes, page)) return line("skipped_same_network");
  if (!isSecure) return line("local_network_insecure");
  for (const name of PERMISSIONS[nodes]) {
    try {
      const state = await query(name);
      return line(FINDINGS[state] ?? "local_network_asks", { permission: `${name}: ${state}` });
    } catch {
      // The browser does not know it by this name.
    }
  }
  return line("skipped_permission_unknown");
}

const FINDINGS: Readonly<Record<string, string>> = {
  granted: "ok",
  prompt: "local_network_asks",
  denied: "local_network_denied",
};
