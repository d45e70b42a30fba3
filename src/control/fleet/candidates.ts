import type { Clock } from "#base/clock.ts";
import { isConsole, isLive } from "../sessions/conditions.ts";
import type { SettingValues } from "../settings/settings.ts";
import { INTEGER, prepare, TEXT } from "../store/prepared.ts";
import type { Queries, Store } from "../store/store.ts";
import { assign, type Candidate } from "./assignment.ts";
import { publicNames } from "./public-names.ts";
import { silenceMs } from "./up.ts";

const limits = {
  /** How long after its end a machine's session still pulls the next one to its node. */
  recentMs: 5 * 60 * 1000,
} as const;

/** What a ticket has to know of its node. */
export interface AssignedNode extends Candidate {
  /** The start of the node that is now. */
  readonly incarnation: string;
  /** The newest generation of ticket keys that it has said it holds. */
  readonly ticketGeneration: number;
  readonly pageOrigin: string;
  readonly webSocketOrigin: string;
}

/**
 * Reads the fleet and assigns a node of the machine's pool. Runs in the transaction that writes the session, which keeps to
 * the room that the node has (store/bounded.ts), so no burst overfills a node.
 */
export type AssignNode = (db: Queries, machineId: string) => Promise<AssignedNode | undefined>;

export function createAssignment({
  store,
  values,
  clock,
}: {
  readonly store: Store;
  readonly values: SettingValues;
  readonly clock: Clock;
}): AssignNode {
  const findCandidates = prepare(store, { silenceMs: INTEGER, machineId: TEXT }, (db, slots) =>
    db
      .selectFrom("nodes")
      // INVARIANT: a ticket is sealed with nothing that its node does not hold, or is to forget.
      .innerJoin("ticket_keys", "ticket_keys.generation", "nodes.ticket_generation")
      .where("ticket_keys.retiring_at", "is", null)
      .select(["nodes.id", "nodes.incarnation", "nodes.page_origin", "nodes.web_socket_origin"])
      .select(["nodes.maximum_sessions", "nodes.ticket_generation"])
      .select((select) =>
        select
          .selectFrom("sessions")
          .select((count) => count.fn.countAll<number>().as("live"))
          .whereRef("sessions.node_id", "=", "nodes.id")
          .where(isLive)
          .as("live"),
      )
      .where("nodes.incarnation", "is not", null)
      .where("nodes.pool", "=", (select) =>
        select.selectFrom("machines").select("machines.pool").where("machines.id", "=", slots.machineId),
      )
      .where("nodes.seen_at", ">", (where) => where(store.now, "-", slots.silenceMs))
      .orderBy("nodes.created_at")
      .orderBy("nodes.id"),
  );
  const findLatest = prepare(store, { machineId: TEXT }, (db, { machineId }) =>
    db
      .selectFrom("sessions")
      .select(["node_id", "ended_at"])
      .where("machine_id", "=", machineId)
      .where(isConsole)
      .orderBy("id", "desc")
      .limit(1),
  );

  return async (db, machineId) => {
    const rows = await findCandidates(db, { silenceMs: silenceMs(values), machineId });
    const [latest] = rows.length > 1 ? await findLatest(db, { machineId }) : [];
    const recent = latest !== undefined && (latest.ended_at ?? Infinity) > clock.now() - limits.recentMs;
    const assigned = assign(rows.map(toCandidate), recent ? latest.node_id : undefined);
    return assigned === undefined
      ? undefined
      : publicNames(assigned, values.value("consoleproxy.url.domain"));
  };
}

interface CandidateRow {
  readonly id: string;
  readonly incarnation: string | null;
  readonly page_origin: string;
  readonly web_socket_origin: string;
  readonly maximum_sessions: number | null;
  readonly ticket_generation: number;
  readonly live: number | null;
}

function toCandidate(row: CandidateRow): AssignedNode {
  return {
    id: row.id,
    incarnation: row.incarnation ?? "",
    ticketGeneration: row.ticket_generation,
    pageOrigin: row.page_origin,
    webSocketOrigin: row.web_socket_origin,
    maximumSessions: row.maximum_sessions,
    sessions: row.live ?? 0,
  };
}
