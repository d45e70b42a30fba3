import type { NodeSettings } from "#wire/link.ts";
import type { SettingValues } from "../settings/settings.ts";
import { prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import { createPeers } from "./peers.ts";
import { type Entrance, publicNames } from "./public-names.ts";
import { silenceMs } from "./up.ts";

/** What a node is to obey now; it comes with every answer to register and heartbeat. */
export type NodeSettingsFor = (nodeId: string) => Promise<NodeSettings>;

export function createNodeSettings({
  store,
  values,
  publicOrigin,
}: {
  readonly store: Store;
  readonly values: SettingValues;
  /** Control's own, whose pages may open consoles. */
  readonly publicOrigin: () => string;
}): NodeSettingsFor {
  const findOwn = prepare(store, { nodeId: TEXT }, (db, slots) =>
    db
      .selectFrom("nodes")
      .select(["page_origin", "web_socket_origin", "given_key"])
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
      ...(own === undefined || domain === "" ? {} : { found: publicNames(entrance(own), domain) }),
      ...(own?.given_key == null ? {} : { given: entrance(own) }),
      sessionTimeoutMs: values.value("consoleproxy.session.timeout"),
      idleTimeoutMs: values.value("console.idle.timeout"),
      acceptOffline: values.value("console.offline.policy") === "accept",
      entrances: up.map((other) => publicNames(entrance(other), domain).pageOrigin),
      peers,
    };
  };
}

function entrance(row: { readonly page_origin: string; readonly web_socket_origin: string }): Entrance {
  return { pageOrigin: row.page_origin, webSocketOrigin: row.web_socket_origin };
}
