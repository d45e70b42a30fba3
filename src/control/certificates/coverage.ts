import { coversName } from "#tls/certificate/names.ts";
import { plainEntranceOf, secureEntranceOf } from "../fleet/entrance.ts";
import { type Entrance, hostsOf, publicNames } from "../fleet/public-names.ts";
import type { Queries } from "../store/store.ts";

const limits = {
  /** Told in one problem. */
  names: 5,
} as const;

/** How the one of all pools stands in the column: the empty text is the name of no pool, and, unlike null, unique. */
export const ALL_POOLS = "";

/** The nodes that a pool's certificate is for, as they know themselves. */
export async function entrancesOf(db: Queries, pool: string): Promise<readonly Entrance[]> {
  const nodes = await db
    .selectFrom("nodes")
    .select(["page_origin", "web_socket_origin", "secure_page_origin", "secure_web_socket_origin"])
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
  return nodes.map((node) => secureEntranceOf(node) ?? plainEntranceOf(node));
}

/** What it would be judged by, as things stand now. */
export interface Demand {
  /** What consoleproxy.url.domain is or may become, the better first; empty where nodes are found by their addresses. */
  readonly domains: readonly string[];
  readonly entrances: readonly Entrance[];
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
  const hosts = hostsOf(...entrances.map((entrance) => publicNames(entrance, domain)));
  const uncovered = hosts.filter((host) => !coversName(names, host));
  // That they are not covered has been said with the domain.
  const others = covered === undefined ? uncovered.filter((host) => !isUnder(host, domain)) : uncovered;
  const problems = [
    ...(covered === undefined ? [`the certificate is not for ${domains.join(" or ")}: ${isFor}`] : []),
    ...(others.length === 0
      ? []
      : [`the certificate is not for ${some(others)}, as browsers find nodes now: ${isFor}`]),
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
