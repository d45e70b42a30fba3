import { coversName } from "#tls/certificate/names.ts";
import { plainEntranceOf, secureEntranceOf } from "../fleet/entrance.ts";
import { type Entrance, hostsOf, publicNames } from "../fleet/public-names.ts";
import type { Queries, Store } from "../store/store.ts";

const limits = {
  /** Told in one problem. */
  names: 5,
} as const;

/** How the one of all pools stands in the column: the empty text is the name of no pool, and, unlike null, unique. */
export const ALL_POOLS = "";

/** Where browsers find a node, and the node's id if it has been silent for too long. */
interface CoveredEntrance extends Entrance {
  readonly down?: string;
}

/** `isDown`: whether a node that was last heard of then counts as down. */
interface Reading {
  readonly db: Queries;
  readonly isDown: (seenAt: number, now: number) => boolean;
  readonly now: Store["now"];
}

/** The nodes that a pool's certificate is for, as they know themselves: those that are down too, as they may come back. */
export async function entrancesOf(
  { db, isDown, now }: Reading,
  pool: string,
): Promise<readonly CoveredEntrance[]> {
  const nodes = await db
    .selectFrom("nodes")
    .select(["id", "page_origin", "web_socket_origin", "secure_page_origin", "secure_web_socket_origin"])
    .select(["seen_at", now.as("now")])
    .where("incarnation", "is not", null)
    .$if(pool !== ALL_POOLS, (query) => query.where("pool", "=", pool))
    .$if(pool === ALL_POOLS, (query) =>
      query.where("pool", "not in", (select) =>
        select
          .selectFrom("certificates")
          .select("certificates.pool")
          .where("certificates.pool", "!=", ALL_POOLS),
      ),
    )
    .orderBy("created_at")
    .orderBy("id")
    .execute();
  return nodes.map((node) => ({
    ...(secureEntranceOf(node) ?? plainEntranceOf(node)),
    ...(isDown(node.seen_at, node.now) ? { down: node.id } : {}),
  }));
}

/** What it would be judged by, as things stand now. */
export interface Demand {
  /** What consoleproxy.url.domain is or may become, the better first; empty where nodes are found by their addresses. */
  readonly domains: readonly string[];
  readonly entrances: readonly CoveredEntrance[];
}

/**
 * Which of the domains a certificate is for, and what is wrong with it, in words. It has to be for a domain (of `*.example.com`
 * for the wildcard itself, as nodes come and go), and for whatever browsers call the nodes under that.
 */
export function fit(
  names: readonly string[],
  { domains, entrances }: Demand,
): { readonly domain: string; readonly problems: readonly string[] } {
  const covered = domains.find((name) => name === "" || coversName(names, name));
  const domain = covered ?? domains[0] ?? "";
  const isFor = `it is for ${some(names)}`;
  const named = entrances.map((entrance) => publicNames(entrance, domain));
  const hosts = hostsOf(...named);
  const uncovered = hosts.filter((host) => !coversName(names, host));
  // That they are not covered has been said with the domain.
  const others = covered === undefined ? uncovered.filter((host) => !isUnder(host, domain)) : uncovered;
  const problems = [
    ...(covered === undefined ? [`the certificate is not for ${domains.join(" or ")}: ${isFor}`] : []),
    ...(others.length === 0
      ? []
      : [`the certificate is not for ${some(others)}, as browsers find nodes now: ${isFor}`]),
    ...named
      .filter((entrance) => hostsOf(entrance).some((host) => others.includes(host)))
      .flatMap(({ down }) => (down === undefined ? [] : [down]))
      .slice(0, limits.names)
      .map((id) => `the node ${id} of these is down: remove it if it is gone for good`),
  ];
  return { domain, problems };
}

function some(names: readonly string[]): string {
  const more = names.length - limits.names;
  return names.slice(0, limits.names).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function isUnder(host: string, domain: string): boolean {
  return domain.startsWith("*.") ? host.endsWith(domain.slice(1)) : host === domain;
}
