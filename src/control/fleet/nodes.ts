import type { Clock } from "#base/clock.ts";
import type { Audit } from "../audit/audit.ts";
import { requireAdministrator } from "../rights.ts";
import type { Nodes } from "../services.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Store } from "../store/store.ts";
import { writeJoinToken } from "./join-tokens.ts";
import { silenceMs } from "./up.ts";

/** The fleet as administrators see it. */
export function createNodes({
  store,
  audit,
  clock,
  values,
  authorityFingerprint,
}: {
  readonly store: Store;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly values: SettingValues;
  readonly authorityFingerprint: string;
}): Nodes {
  return {
    async list(caller) {
      requireAdministrator(caller);
      const rows = await store.db
        .selectFrom("nodes")
        .selectAll()
        .orderBy("created_at")
        .orderBy("id")
        .execute();
      const downBefore = clock.now() - silenceMs(values);
      return rows.map((row) => ({
        id: row.id,
        pool: row.pool,
        state: row.incarnation !== null && row.seen_at > downBefore ? ("up" as const) : ("down" as const),
        pageOrigin: row.page_origin,
        webSocketOrigin: row.web_socket_origin,
        sessions: row.sessions,
        version: row.version,
        seenAt: new Date(row.seen_at).toISOString(),
      }));
    },

    async addJoinToken(caller, token) {
      requireAdministrator(caller);
      return await store.db.transaction().execute(async (db) => {
        const made = await writeJoinToken(db, token, { clock, authorityFingerprint });
        const detail = `uses ${token.uses ?? 1}, until ${made.expiresAt}`;
        await audit.record(db, {
          action: "join-token.add",
          by: caller,
          object: { kind: "join-token" },
          detail,
        });
        return made;
      });
    },
  };
}
