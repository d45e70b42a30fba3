import { sql } from "kysely";
import { isTrying } from "../sessions/conditions.ts";
import type { Queries, Store } from "../store/store.ts";
import type { Outcome } from "./pacing-outcome.ts";
import { limits, OUTDATED } from "./pacing-verdict.ts";

/** TigerVNC shuts out for 10 s at first, and twice as long each time: whoever waits longer is never shut out for longer. */
const FIRST_WAIT_MS = 60_000;
const LONGEST_WAIT_MS = 60 * 60_000;

/** Who is let through to a machine is so under this lock, and so is what is on record of it changed. */
export function lockOf(machineId: string): string {
  return `password of ${machineId}`;
}

/** Writes down what came of passwords that were tried, in the transaction in which their sessions are. */
export async function recordOutcomes(store: Store, db: Queries, outcomes: readonly Outcome[]): Promise<void> {
  const open = outcomes.filter(({ result }) => result === "taken").map(({ sessionId }) => sessionId);
  if (open.length > 0)
    await db.updateTable("sessions").set({ trying_since: null }).where("id", "in", open).execute();
  // In one order at all replicas, so that two that write the same rows do not wait for each other.
  const machines = [...Map.groupBy(outcomes, ({ machineId }) => machineId)];
  for (const [machineId, own] of machines.toSorted(byMachine)) {
    const isRight = own.some(({ result }) => result === "taken");
    const failures = await write(db, machineId, isRight ? 0 : own.length);
    const isOnRecord = own.some(({ result }) => result === "refused");
    if (failures >= limits.free && isOnRecord) await postpone(store, db, { machineId, failures });
  }
}

/**
 * What is on record has changed, or which hypervisor has the machine, so that is tried at once. What was tried before tells nothing
 * of whether it is right; but a hypervisor remembers what it has not taken, so that counts as it did, and one goes ahead at a time.
 */
export async function tryAnew(store: Store, db: Queries, machineId: string): Promise<void> {
  await store.lock(db, lockOf(machineId));
  await db
    .updateTable("sessions")
    .set({ trying_since: OUTDATED })
    .where("machine_id", "=", machineId)
    .where(isTrying)
    .execute();
  const known = db.deleteFrom("sign_in_failures").where("machine_id", "=", machineId);
  await known.where("failures", "=", 0).execute();
  await db.updateTable("sign_in_failures").set({ next_at: 0 }).where("machine_id", "=", machineId).execute();
}

/** After so many failures the next attempt is due later. */
export async function postpone(
  store: Store,
  db: Queries,
  { machineId, failures }: { readonly machineId: string; readonly failures: number },
): Promise<void> {
  const waitMs = Math.min(FIRST_WAIT_MS * 2 ** (failures - limits.free), LONGEST_WAIT_MS);
  await db
    .updateTable("sign_in_failures")
    .set({ next_at: sql<number>`${store.now} + ${waitMs}` })
    .where("machine_id", "=", machineId)
    .execute();
}

function byMachine([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** So many more failures, or none at all. Resolves to how many there are now: none of a machine that was removed meanwhile. */
async function write(db: Queries, machineId: string, more: number): Promise<number> {
  const failures = more === 0 ? sql<number>`0` : sql<number>`sign_in_failures.failures + ${more}`;
  const row = await db
    .insertInto("sign_in_failures")
    .columns(["machine_id", "failures", "next_at"])
    .expression(
      db
        .selectFrom("machines")
        .select(["id", sql<number>`${sql.lit(more)}`.as("failures"), sql<number>`0`.as("next_at")])
        .where("id", "=", machineId),
    )
    .onConflict((conflict) => conflict.column("machine_id").doUpdateSet({ failures }))
    .returning("failures")
    .executeTakeFirst();
  return row?.failures ?? 0;
}
