import { randomUUID } from "node:crypto";
import type { ExpressionBuilder } from "kysely";
import type { Log } from "#base/process/log.ts";
import type { Secret } from "#base/secret.ts";
import type { Driver, DriverMachine } from "#hypervisors/driver.ts";
import { toGatewayError } from "#wire/gateway-error.ts";
import type { Upstream } from "#wire/grant.ts";
import type { Schema } from "../store/schema.ts";
import type { Queries, Store } from "../store/store.ts";
import type { Place, Vault } from "../vault/vault.ts";

const limits = {
  /** Given back by one round. What is left over has its turn at the next. */
  perRound: 200,
  /** Of one hypervisor, that it does not take back, before the rest waits too: it may be the account that it refuses, which is not to be locked. */
  refusals: 3,
  /** Behind the first attempts that failed, and behind each further one. */
  againMs: [5_000, 15_000, 60_000, 180_000],
  laterMs: 10 * 60_000,
  /** It is dropped then, after some six hours: platforms end by themselves what nobody uses. */
  attempts: 40,
} as const;

/** What hypervisors have lent for consoles. Sessions end without it: it is given back behind them. */
export interface Leases {
  /** Where a machine's console is, with what opens it. What was lent for that is written down before anybody learns of it. */
  lend(driver: Driver, machine: DriverMachine, sessionId: string): Promise<Upstream>;
  /** Gives back what was lent for sessions that are over. Resolves to how many leases were, and how many were given up. */
  settle(): Promise<{ readonly released: number; readonly dropped: number }>;
}

/** Has a hypervisor's driver take back what it lent. Throws `machine_gone` where the hypervisor is forgotten. */
type Release = (hypervisorId: string, lease: Secret) => Promise<void>;

interface Parts {
  readonly store: Store;
  readonly vault: Vault;
  readonly release: Release;
  readonly log: Log;
}

type Due = Awaited<ReturnType<typeof dueLeases>>[number];

/**
 * INVARIANT: what a driver lent is on record before the grant that has it is made, so whoever dies next, it is given back: nodes are not
 * asked, and neither is the replica that lent it.
 */
export function createLeases(parts: Parts): Leases {
  const { store, vault, log } = parts;

  return {
    async lend(driver, machine, sessionId) {
      const { hypervisorId } = machine;
      if (driver.lend === undefined || hypervisorId === undefined) return await driver.resolve(machine);
      const keep = async (lease: Secret) => {
        const id = randomUUID();
        const row = { id, session_id: sessionId, hypervisor_id: hypervisorId, attempts: 0 };
        const values = {
          ...row,
          lease_sealed: vault.seal(lease, leasePlace(id)),
          next_attempt_at: store.now,
        };
        await store.db.insertInto("console_leases").values(values).execute();
      };
      const { upstream, lease } = await driver.lend(machine, keep);
      if (lease === undefined) return upstream;
      try {
        await keep(lease);
      } catch (error) {
        await parts.release(hypervisorId, lease).catch(() => {});
        throw error;
      }
      return upstream;
    },

    async settle() {
      const due = await dueLeases(store.db, store);
      const byHypervisor = Map.groupBy(due, ({ hypervisor_id }) => hypervisor_id);
      const outcomes = await Promise.all(
        [...byHypervisor.values()].map(async (leases) => await settleOf(parts, leases)),
      );
      const released = outcomes.reduce((sum, outcome) => sum + outcome.released, 0);
      const dropped = outcomes.reduce((sum, outcome) => sum + outcome.dropped, 0);
      if (dropped > 0)
        log.warn({ leases: dropped }, "What a hypervisor lent for consoles was not given back");
      return { released, dropped };
    },
  };
}

/**
 * Of one hypervisor, one after the other: a hypervisor that does not answer is asked once in a round. One that answers may have something against
 * this lease alone, such as a machine whose host is away: the others are given back all the same.
 */
async function settleOf(
  parts: Parts,
  leases: readonly Due[],
): Promise<{ readonly released: number; readonly dropped: number }> {
  const { store, log } = parts;
  const inTurn = rotated(leases);
  let released = 0;
  const refused: string[] = [];
  for (const [index, lease] of inTurn.entries()) {
    try {
      await release(parts, lease);
    } catch (error) {
      const { code } = toGatewayError(error);
      const left = inTurn.slice(index).map(({ id }) => id);
      // With the hypervisor what opens it went: nobody can be asked any more.
      if (code === "machine_gone") {
        await forget(store, [...refused, ...left]);
        return { released, dropped: refused.length + left.length };
      }
      const { hypervisor_id: hypervisorId } = lease;
      log.debug({ hypervisorId, error }, "What was lent for a console is not given back yet");
      refused.push(lease.id);
      if (code === "upstream_refused" && refused.length < limits.refusals) continue;
      return { released, dropped: await putOff(store, [...refused, ...left.slice(1)]) };
    }
    await forget(store, [lease.id]);
    released++;
  }
  return { released, dropped: refused.length === 0 ? 0 : await putOff(store, refused) };
}

/** Beginning elsewhere after each attempt, so that those which are refused do not come first for ever. */
function rotated(leases: readonly Due[]): readonly Due[] {
  const start = ((leases[0]?.attempts ?? 0) * limits.refusals) % leases.length;
  return [...leases.slice(start), ...leases.slice(0, start)];
}

async function release(
  parts: Parts,
  { id, hypervisor_id, lease_sealed }: Pick<Due, "id" | "hypervisor_id" | "lease_sealed">,
): Promise<void> {
  await parts.release(hypervisor_id, parts.vault.open(lease_sealed, leasePlace(id)));
}

async function dueLeases(db: Queries, { now }: Pick<Store, "now">) {
  return await db
    .selectFrom("console_leases")
    .leftJoin("sessions", "sessions.id", "console_leases.session_id")
    .select(["console_leases.id", "console_leases.hypervisor_id", "console_leases.lease_sealed", "attempts"])
    .where("console_leases.next_attempt_at", "<=", now)
    .where((where) => where.or([where("sessions.id", "is", null), where("sessions.state", "=", "ended")]))
    .orderBy("console_leases.next_attempt_at")
    .orderBy("console_leases.id")
    .limit(limits.perRound)
    .execute();
}

/** Resolves to how many are given up. */
async function putOff({ db, now }: Store, ids: readonly string[]): Promise<number> {
  const dropped = await db
    .deleteFrom("console_leases")
    .where("id", "in", ids)
    .where("attempts", ">=", limits.attempts)
    .returning("id")
    .execute();
  await db
    .updateTable("console_leases")
    .set((row) => ({ attempts: row("attempts", "+", 1), next_attempt_at: row(now, "+", waitMs(row)) }))
    .where("id", "in", ids)
    .execute();
  return dropped.length;
}

/** In SQL, since each has its own number of attempts. */
function waitMs(row: ExpressionBuilder<Schema, "console_leases">) {
  return limits.againMs.reduceRight(
    (otherwise, ms, attempts) => row.case().when("attempts", "=", attempts).then(ms).else(otherwise).end(),
    row.val<number>(limits.laterMs),
  );
}

async function forget({ db }: Store, ids: readonly string[]): Promise<void> {
  await db.deleteFrom("console_leases").where("id", "in", ids).execute();
}

function leasePlace(id: string): Place {
  return { table: "console_leases", row: id, column: "lease_sealed" };
}
