import type { Clock } from "#base/clock.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Store } from "../store/store.ts";
import { idAt } from "./audit-list.ts";

const limits = {
  /** Of one statement, so that nobody waits long for it. */
  forgottenRows: 5_000,
  /** Statements of one sweep: in a minute it forgets more than the most consoles that are opened in one write down. */
  statements: 40,
} as const;

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Forgets rows that are older than `audit.retention.days`; 0 keeps all. Resolves to how many, of so many as are taken at
 * once: this is the one place where rows of the audit log go.
 */
export function createAuditSweep({
  store,
  values,
  clock,
}: {
  readonly store: Store;
  readonly values: SettingValues;
  readonly clock: Clock;
}): () => Promise<number> {
  return async () => {
    const days = values.value("audit.retention.days");
    if (days === 0) return 0;
    const before = idAt(Math.max(0, clock.now() - days * DAY_MS), "audit.retention.days");
    let forgotten = 0;
    for (let statement = 0; statement < limits.statements; statement++) {
      const rows = await forgetOldest(store, before);
      forgotten += rows;
      if (rows < limits.forgottenRows) break;
    }
    return forgotten;
  };
}

async function forgetOldest({ db }: Store, before: string): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom("audit")
    .where("id", "in", (old) =>
      old.selectFrom("audit").select("id").where("id", "<", before).orderBy("id").limit(limits.forgottenRows),
    )
    .executeTakeFirst();
  return Number(numDeletedRows);
}
