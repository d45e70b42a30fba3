import { mostNames } from "#tls/acme/order.ts";
import { plainEntranceOf, secureEntranceOf } from "../fleet/entrance.ts";
import { hostsOf, publicNames } from "../fleet/public-names.ts";
import { silenceMs } from "../fleet/up.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Store } from "../store/store.ts";
import type { AcmeTable } from "./acme-table.ts";

/** What a certificate is ordered for now. */
export interface WantedNames {
  /** As the setting has it; empty: none. */
  readonly domain: string;
  readonly names: readonly string[];
  /** Of nodes that would have one each and find no room in one certificate. */
  readonly leftOut: number;
}

export type ReadWantedNames = (challenge: AcmeTable["challenge"]) => Promise<WantedNames>;

/**
 * For `*.example.com` that and example.com itself. By http-01 no authority certifies all of a domain, so there it is the names of
 * the nodes that are up: those of others could not be shown.
 */
export function createWantedNames({
  store,
  values,
}: {
  readonly store: Store;
  readonly values: SettingValues;
}): ReadWantedNames {
  return async (challenge) => {
    const domain = values.value("consoleproxy.url.domain");
    if (domain === "") return { domain, names: [], leftOut: 0 };
    if (!domain.startsWith("*.")) return { domain, names: [domain], leftOut: 0 };
    if (challenge === "dns-01") return { domain, names: [domain, domain.slice(2)], leftOut: 0 };
    const nodes = await store.db
      .selectFrom("nodes")
      .select(["page_origin", "web_socket_origin", "secure_page_origin", "secure_web_socket_origin"])
      .where("incarnation", "is not", null)
      .where("revoked_at", "is", null)
      // A pool with a certificate of its own needs no other, and may be out of the authority's sight.
      .where("pool", "not in", (select) => select.selectFrom("certificates").select("certificates.pool"))
      .where("seen_at", ">", (where) => where(store.now, "-", silenceMs(values)))
      .orderBy("created_at")
      .orderBy("id")
      .execute();
    const entrances = nodes.flatMap((row) => [secureEntranceOf(row) ?? [], plainEntranceOf(row)].flat());
    const hosts = hostsOf(...entrances.map((entrance) => publicNames(entrance, domain)));
    const all = hosts.filter((host) => host.endsWith(domain.slice(1)));
    return { domain, names: all.slice(0, mostNames), leftOut: Math.max(0, all.length - mostNames) };
  };
}
