import type { Clock } from "#base/clock.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Store } from "../store/store.ts";
import { idAt } from "./audit-list.ts";

const limits = {
  /** Of one statement, so that nobody waits long for it. */
  forgottenRows: 5_000,
} as const;

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Forgets rows that are older than `audit.retention.days`; 0 keeps all. Resolves to how many of a bounded batch: this
 * is the one place where rows of the audit log go.
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
    const { numDeletedRows } = await store.db
      .deleteFrom("audit")
      .where("id", "in", (old) =>
        old
          .selectFrom("audit")
          .select("id")
          .where("id", "<", idAt(Math.max(0, clock.now() - days * DAY_MS), "audit.retention.days"))
          .orderBy("id")
          .limit(limits.forgottenRows),
      )
      .executeTakeFirst();
    return Number(numDeletedRows);
  };
}
