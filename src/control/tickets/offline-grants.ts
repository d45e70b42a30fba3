import type { Log } from "#base/process/log.ts";
import { type GrantsCommand, linkLimits } from "#wire/link.ts";
import { isOfflineUnredeemed } from "../sessions/conditions.ts";
import type { OfflineGrant } from "../sessions/session-table.ts";
import { nullable, of, prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import type { MakeGrant, ReopenCredentialOf } from "./grants.ts";

interface Parts {
  readonly store: Store;
  readonly log: Log;
  readonly makeGrant: MakeGrant;
  readonly reopenOf: ReopenCredentialOf;
}

/** Grants that nodes are given ahead, where `console.offline.policy` is to accept tickets while no control answers. */
export interface OfflineGrants {
  /** Those that the node is to have and has not, as many as one command takes. Made here and now, and kept nowhere. */
  of(nodeId: string): Promise<GrantsCommand | undefined>;
  /** The node has said which of these it has. The others it does not get. */
  settle(command: GrantsCommand, kept: readonly string[]): Promise<void>;
}

const limits = {
  /** Of the grants in one command, as JSON: less than a frame of the link. */
  grantBytes: linkLimits.frameBytes / 2,
} as const;

export const WANTED: OfflineGrant = 1;
const KEPT: OfflineGrant = 2;

export function createOfflineGrants({ store, log, makeGrant, reopenOf }: Parts): OfflineGrants {
  const find = prepareFind(store);
  const prepareReopen = prepare(store, { id: TEXT, hash: TEXT }, (db, slots) =>
    db
      .updateTable("sessions")
      .set({ reopen_hash: slots.hash })
      .where("id", "=", slots.id)
      .where("redeemed_at", "is", null)
      .where("state", "=", "pending"),
  );
  const mark = prepare(store, { id: TEXT, to: nullable(of<OfflineGrant>()) }, (db, slots) =>
    db
      .updateTable("sessions")
      .set({ offline_grant: slots.to })
      .where("id", "=", slots.id)
      .where("offline_grant", "=", WANTED)
      .where("redeemed_at", "is", null),
  );

  const grantOf = async (row: Awaited<ReturnType<typeof find>>[number]) => {
    const { id: sessionId, attachment } = row;
    const reopen = reopenOf(sessionId, attachment);
    try {
      const grant = await makeGrant(row, { sessionId, attachment, reopen });
      await prepareReopen(store.db, { id: sessionId, hash: reopen.hash });
      return [{ grant, expiresAt: row.ticket_expires_at }];
    } catch (error) {
      if (store.isUnavailable(error)) throw error;
      // Its ticket can be used while control is there to say so, and no longer.
      log.debug({ error, sessionId }, "A grant could not be given ahead");
      await mark(store.db, { id: sessionId, to: null });
      return [];
    }
  };

  return {
    async of(nodeId) {
      for (;;) {
        const rows = await find(store.db, { nodeId });
        const [first] = rows;
        if (first === undefined) return undefined;
        const grants = together((await Promise.all(rows.map(grantOf))).flat());
        if (grants.length > 0) return { incarnation: first.incarnation, grants };
      }
    },

    async settle({ grants }, kept) {
      const has = new Set(kept);
      for (const { grant } of grants)
        await mark(store.db, { id: grant.sessionId, to: has.has(grant.sessionId) ? KEPT : null });
    },
  };
}

/**
 * Those that one command takes. What an older node does not know, it gets after everything else, since it refuses the whole
 * command; and certificates make some grants large. The others come in the next one.
 */
export function together(grants: GrantsCommand["grants"]): GrantsCommand["grants"] {
  const known = grants.filter(({ grant }) => !("guarded" in grant.upstream));
  const chosen = known.length > 0 ? known : grants;
  let bytes = 0;
  return chosen.filter((each, index) => {
    bytes += JSON.stringify(each).length;
    return index === 0 || bytes <= limits.grantBytes;
  });
}

function prepareFind(store: Store) {
  return prepare(store, { nodeId: TEXT }, (db, slots) =>
    db
      .selectFrom("sessions")
      .innerJoin("nodes", (join) =>
        join
          .onRef("nodes.id", "=", "sessions.node_id")
          .onRef("nodes.incarnation", "=", "sessions.incarnation"),
      )
      .select(["sessions.id", "sessions.attachment", "sessions.incarnation", "sessions.ticket_expires_at"])
      .select(["sessions.account_id", "sessions.machine_id", "sessions.project_id", "sessions.view_only"])
      .select("sessions.protocol")
      .where(isOfflineUnredeemed)
      .where("sessions.node_id", "=", slots.nodeId)
      .where("sessions.offline_grant", "=", WANTED)
      .where("sessions.state", "=", "pending")
      .where("sessions.ticket_expires_at", ">", store.now)
      .orderBy("sessions.id")
      .limit(linkLimits.grantsPerCommand),
  );
}
