import { GatewayError } from "#wire/gateway-error.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Queries, Store } from "../store/store.ts";
import { ADDRESSES_LOCK } from "./address-giving.ts";
import { silenceMs } from "./up.ts";

interface Claim {
  readonly id: string;
  readonly page_origin: string;
  readonly web_socket_origin: string;
  readonly secure_page_origin: string | null;
  readonly secure_web_socket_origin: string | null;
  readonly shares_address: 0 | 1;
}

/**
 * Throws `address_taken` for a node that says to be where another one is that is up. Half of the viewers of either would
 * come to the other. Several nodes are meant to be in one place where all of them say so, or where one plain domain is
 * the name of all.
 */
export function createAddressCheck(store: Store, values: SettingValues) {
  return async (db: Queries, claim: Claim): Promise<void> => {
    const domain = values.value("consoleproxy.url.domain");
    if (domain !== "" && !domain.startsWith("*")) return;
    // Of two nodes that register at once, at two replicas, the second looks when the first is there to be seen.
    await store.lock(db, ADDRESSES_LOCK);
    const { secure_page_origin: securePage, secure_web_socket_origin: secureWebSocket } = claim;
    const secure = [securePage, secureWebSocket].filter((one) => one !== null);
    const origins = [claim.page_origin, claim.web_socket_origin, ...secure];
    const taken = await db
      .selectFrom("nodes")
      .select("id")
      .where("id", "<>", claim.id)
      .where((where) =>
        where.or([
          where("page_origin", "in", origins),
          where("web_socket_origin", "in", origins),
          where("secure_page_origin", "in", origins),
          where("secure_web_socket_origin", "in", origins),
        ]),
      )
      .where((where) =>
        where.or([
          where.and([
            where("incarnation", "is not", null),
            where("seen_at", ">", where(store.now, "-", silenceMs(values))),
          ]),
          // What was given is kept for its node, which may just be restarting.
          where("given_key", "is not", null),
        ]),
      )
      .$if(claim.shares_address === 1, (query) => query.where("shares_address", "=", 0))
      .executeTakeFirst();
    if (taken === undefined) return;
    throw new GatewayError("address_taken", { detail: `${claim.page_origin} is that of node ${taken.id}` });
  };
}
