import type { NodeSettings } from "#wire/link.ts";
import { linkLimits } from "#wire/link.ts";
import { INTEGER, prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import { ENTRANCE_COLUMNS, type entranceOf } from "./entrance.ts";

/** A node that is up, as the others of its pool know it. */
type UpNode = Parameters<typeof entranceOf>[0];

/** The other nodes of a node's pool that are up, and where it hands them what is theirs. */
export function createPeers(store: Store) {
  const find = prepare(store, { nodeId: TEXT, silenceMs: INTEGER }, (db, slots) =>
    db
      .selectFrom("nodes")
      .select(["id", "forward_address"])
      .select(ENTRANCE_COLUMNS)
      .where("id", "<>", slots.nodeId)
      .where("pool", "=", (select) =>
        select.selectFrom("nodes as own").select("own.pool").where("own.id", "=", slots.nodeId),
      )
      .where("incarnation", "is not", null)
      .where("seen_at", ">", (where) => where(store.now, "-", slots.silenceMs))
      // Viewers that need another entrance try them in this order.
      .orderBy((node) => node.case().when("draining_at", "is", null).then(0).else(1).end())
      .orderBy("created_at")
      .orderBy("id")
      .limit(linkLimits.peers),
  );

  return async (
    nodeId: string,
    silenceMs: number,
  ): Promise<{ readonly up: readonly UpNode[]; readonly peers: NonNullable<NodeSettings["peers"]> }> => {
    const up = await find(store.db, { nodeId, silenceMs });
    const peers = up.flatMap(({ id, forward_address: address }) =>
      address === null ? [] : [{ nodeId: id, address }],
    );
    return { up, peers };
  };
}
