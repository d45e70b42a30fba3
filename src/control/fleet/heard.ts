import { type RawBuilder, sql } from "kysely";
import type { SettingValues } from "../settings/settings.ts";
import { INTEGER, prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import { silenceMs } from "./up.ts";

const limits = {
  /** A node that reports was heard of; that is written down no more often than this. */
  againMs: 1_000,
} as const;

/** What a node's row has when the node was heard of: the time, and since when it has been without a break. */
export function heardOf({ now }: Pick<Store, "now">, silence: number | RawBuilder<number>) {
  return {
    seen_at: now,
    heard_since: sql<
      number | null
    >`case when seen_at <= ${now} - ${silence} then ${now} else heard_since end`,
  };
}

/** A start of a node that says anything was heard of. Nothing comes of it where the start was superseded. */
export function createHearing(
  store: Store,
  values: SettingValues,
): (start: { readonly nodeId: string; readonly incarnation: string }) => Promise<void> {
  const kinds = { nodeId: TEXT, incarnation: TEXT, silenceMs: INTEGER, againMs: INTEGER };
  const note = prepare(store, kinds, (db, slots) =>
    db
      .updateTable("nodes")
      .set(heardOf(store, slots.silenceMs))
      .where("id", "=", slots.nodeId)
      .where("incarnation", "=", slots.incarnation)
      .where("seen_at", "<=", (where) => where(store.now, "-", slots.againMs)),
  );
  return async (start) => {
    await note(store.db, { ...start, silenceMs: silenceMs(values), againMs: limits.againMs });
  };
}
