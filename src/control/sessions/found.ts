import type { SelectQueryBuilder } from "kysely";
import { held } from "../store/held.ts";
import type { Schema } from "../store/schema.ts";
import type { Queries, Store } from "../store/store.ts";
import { narrowing } from "./conditions.ts";

type Finding = SelectQueryBuilder<Schema, "sessions", { id: string }>;

/**
 * The beginning of a statement that changes several sessions: those that `finding` finds are `found`.
 *
 * INVARIANT: everybody who changes several sessions takes them in the order of their ids, as reports do, and changes only
 * what the conditions of `finding` are true of once it has them.
 */
export function findSessions(db: Queries, store: Pick<Store, "transactionsAtOnce">, finding: Finding) {
  return db.with(
    (table) => table("found").materialized(),
    () => finding.orderBy(narrowing("sessions.id")).$call(held(store, "sessions")),
  );
}
