import { linkLimits, type NodeSettings } from "#wire/link.ts";
import type { SettingValues } from "../settings/settings.ts";
import { prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import { ENTRANCE_COLUMNS, entranceOf, plainEntranceOf, secureEntranceOf } from "./entrance.ts";
import { createPeers } from "./peers.ts";
import { type Entrance, pageBase, publicNames } from "./public-names.ts";
import { silenceMs } from "./up.ts";

/** What a node is to obey now; it comes with every answer to register and heartbeat. */
export type NodeSettingsFor = (nodeId: string) => Promise<NodeSettings>;

export function createNodeSettings({
  store,
  values,
  publicOrigin,
  ports,
  novaBehind,
}: {
  readonly store: Store;
  readonly values: SettingValues;
  /** Control's own, whose pages may open consoles. */
  readonly publicOrigin: () => string;
  /** Where control listens. */
  readonly ports: () => readonly number[];
  /** The Nova that this installation stands in front of, if there is one. */
  readonly novaBehind?: unknown;
}): NodeSettingsFor {
  const findOwn = prepare(store, { nodeId: TEXT }, (db, slots) =>
    db
      .selectFrom("nodes")
      .select(ENTRANCE_COLUMNS)
      .select("given_key")
      .select((select) =>
        select
          .selectFrom("acme")
          .select("account_thumbprint")
          .where("challenge", "=", "http-01")
          .as("acme_thumbprint"),
      )
      .where("id", "=", slots.nodeId),
  );
  const peersOf = createPeers(store);
  return async (nodeId) => {
    const { up, peers } = await peersOf(nodeId, silenceMs(values));
    const [own] = await findOwn(store.db, { nodeId });
    const allowed = values.value("console.allowed.origins");
    const domain = values.value("consoleproxy.url.domain");
    return {
      heartbeatIntervalMs: values.value("consoleproxy.loadscan.interval"),
      upstreamAllow: values.value("upstream.allow"),
      allowedOrigins: [publicOrigin(), ...allowed],
      frameAncestors: [...allowed],
      controlPorts: [...new Set(ports())].slice(0, linkLimits.controlPorts),
      ...(own === undefined || domain === "" ? {} : { found: publicNames(plainEntranceOf(own), domain) }),
      ...(own?.given_key == null ? {} : { given: plainEntranceOf(own) }),
      ...secureSettings(own === undefined ? undefined : secureEntranceOf(own), {
        domain,
        isGiven: own?.given_key != null,
      }),
      ...(own?.acme_thumbprint == null ? {} : { acmeThumbprint: own.acme_thumbprint }),
      sessionTimeoutMs: values.value("consoleproxy.session.timeout"),
      idleTimeoutMs: values.value("console.idle.timeout"),
      acceptOffline: values.value("console.offline.policy") === "accept",
      entrances: up.map((other) => pageBase(publicNames(entranceOf(other), domain))),
      ...(novaBehind === undefined ? {} : { novaTokens: true }),
      peers,
    };
  };
}

function secureSettings(
  own: Entrance | undefined,
  { domain, isGiven }: { readonly domain: string; readonly isGiven: boolean },
): Pick<NodeSettings, "secure"> {
  if (own === undefined) return {};
  return { secure: { found: publicNames(own, domain), ...(isGiven ? { given: own } : {}) } };
}
