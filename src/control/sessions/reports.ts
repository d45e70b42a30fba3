import { sql } from "kysely";
import type { SessionState } from "#wire/api.ts";
import type { ReportResponse, SessionReport, SessionToEnd } from "#wire/link.ts";
import type { UpstreamStep } from "#wire/upstream-step.ts";
import type { Ending } from "#wire/viewer.ts";
import type { Audit } from "../audit/audit.ts";
import { ENDED } from "../audit/endings.ts";
import { type Outcome, outcomeOfEnded, outcomeOfOpen } from "../machines/pacing-outcome.ts";
import { recordOutcomes } from "../machines/pacing-record.ts";
import { INTEGER, nullable, of, prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import type { TakeOfflineRedemption } from "../tickets/offline-redemption.ts";
import { statesBefore } from "./states.ts";

/** Which start of which node reports. */
interface Reporter {
  readonly nodeId: string;
  readonly incarnation: string;
}

/** Resolves to those that are reported as open and are over, or closing, by what control knows: the node is to end them. */
export type TakeReports = (reporter: Reporter, reports: readonly SessionReport[]) => Promise<ReportResponse>;

const KEY = { id: TEXT, nodeId: TEXT, incarnation: TEXT, attachment: INTEGER } as const;
const COUNTERS = { bytesToViewer: INTEGER, bytesFromViewer: INTEGER } as const;

/**
 * Takes what a node says of its sessions: all reports of a request or none. Each may come twice, late or in the
 * wrong order: one that is of another node, another start or a lower attachment, or that would move a session back,
 * changes nothing.
 */
export function createReports({
  store,
  audit,
  takeOffline,
  noteHeard,
}: {
  readonly store: Store;
  readonly audit: Audit;
  readonly takeOffline: TakeOfflineRedemption;
  /** Whoever reports was heard of. */
  readonly noteHeard: (reporter: Reporter) => Promise<void>;
}): TakeReports {
  const markActive = prepareActive(store);
  const findOver = prepareOver(store);
  const markEnded = prepareEnded(store);

  return async ({ nodeId, incarnation }, reports) => {
    // First, so that nobody takes the node for lost whose sessions are reported as open.
    await noteHeard({ nodeId, incarnation });
    // Before the rest, since nothing is said of a session that nobody was let into.
    const withdrawn: SessionToEnd[] = [];
    for (const report of reports) {
      const session = await takeOffline({ nodeId, incarnation }, report);
      if (session !== undefined) withdrawn.push(session);
    }
    // In one order at all replicas, so that two that write the same rows do not wait for each other.
    const inOrder = reports.toSorted(bySession);
    return await store.db.transaction().execute(async (db) => {
      const over = [...withdrawn];
      const outcomes: Outcome[] = [];
      for (const report of inOrder) {
        const { sessionId: id, attachment, at, bytesToViewer, bytesFromViewer } = report;
        const values = { id, nodeId, incarnation, attachment, bytesToViewer, bytesFromViewer };
        if (report.state === "ended") {
          const ended = await markEnded(db, { ...values, at, ...endingColumns(report) });
          await audit.recordEndings(db, ended);
          outcomes.push(...ended.flatMap(outcomeOfEnded));
        } else {
          const [marked] = await markActive(db, values);
          if (marked !== undefined) outcomes.push(...outcomeOfOpen(marked));
          const rows = marked === undefined ? await findOver(db, values) : [marked];
          over.push(...rows.filter(({ state }) => state !== "active").map(toEnd));
        }
      }
      await recordOutcomes(store, db, outcomes);
      if (over.length === 0) return {};
      return { over: [...new Map(over.map((session) => [session.sessionId, session])).values()] };
    });
  };
}

function bySession(a: SessionReport, b: SessionReport): number {
  if (a.sessionId === b.sessionId) return 0;
  return a.sessionId < b.sessionId ? -1 : 1;
}

/** Counters only rise, so a report that was overtaken by a later one does no harm. */
function prepareActive(store: Store) {
  return prepare(store, { ...KEY, ...COUNTERS }, (query, values) =>
    query
      .updateTable("sessions")
      .set({
        // A session that is to end is none that is open.
        state: sql<SessionState>`case when state = 'closing' then state else 'active' end`,
        bytes_to_viewer: greatest("bytes_to_viewer", values.bytesToViewer),
        bytes_from_viewer: greatest("bytes_from_viewer", values.bytesFromViewer),
      })
      .where("id", "=", values.id)
      .where("node_id", "=", values.nodeId)
      .where("incarnation", "=", values.incarnation)
      .where("attachment", "=", values.attachment)
      .where("state", "in", [...statesBefore("active"), "active", "closing"])
      .where("redeemed_at", "is not", null)
      .returning(["id", "attachment", "state", "ending_code", "ending_detail"])
      .returning(["machine_id", "trying_since"]),
  );
}

/** As where the node was not heard of for so long that its sessions were given up. */
function prepareOver(store: Store) {
  return prepare(store, KEY, (query, values) =>
    query
      .selectFrom("sessions")
      .select(["id", "attachment", "state", "ending_code", "ending_detail"])
      .where("id", "=", values.id)
      .where("node_id", "=", values.nodeId)
      .where("incarnation", "=", values.incarnation)
      .where("attachment", "=", values.attachment)
      .where("state", "=", "ended"),
  );
}

function toEnd(row: {
  readonly id: string;
  readonly attachment: number;
  readonly ending_code: Ending["code"] | null;
  readonly ending_detail: string | null;
}): SessionToEnd {
  return {
    sessionId: row.id,
    attachment: row.attachment,
    code: row.ending_code ?? "internal",
    ...(row.ending_detail === null ? {} : { detail: row.ending_detail }),
  };
}

function prepareEnded(store: Store) {
  const { now } = store;
  const kinds = {
    ...KEY,
    ...COUNTERS,
    at: INTEGER,
    kind: of<Ending["kind"]>(),
    code: of<Ending["code"]>(),
    detail: nullable(TEXT),
    step: nullable(of<UpstreamStep>()),
  };
  return prepare(store, kinds, (query, values) =>
    query
      .updateTable("sessions")
      .set({
        state: "ended",
        // The node's clock may be off: no session ends before it began, or in the future.
        ended_at: sql`case when ${values.at} < redeemed_at then redeemed_at when ${values.at} > ${now} then ${now} else ${values.at} end`,
        ending_kind: values.kind,
        ending_code: values.code,
        ending_detail: values.detail,
        ending_step: values.step,
        bytes_to_viewer: greatest("bytes_to_viewer", values.bytesToViewer),
        bytes_from_viewer: greatest("bytes_from_viewer", values.bytesFromViewer),
      })
      .where("id", "=", values.id)
      .where("node_id", "=", values.nodeId)
      .where("incarnation", "=", values.incarnation)
      .where("attachment", "=", values.attachment)
      .where("state", "in", statesBefore("ended"))
      .where("redeemed_at", "is not", null)
      .returning(ENDED)
      .returning(["trying_since", "bytes_to_viewer"]),
  );
}

/** `max(a, b)` under a name that both databases have. */
function greatest(column: "bytes_to_viewer" | "bytes_from_viewer", value: unknown) {
  const stored = sql.ref<number>(column);
  return sql<number>`case when ${stored} > ${value} then ${stored} else ${value} end`;
}

function endingColumns({ ending, step }: Pick<SessionReport, "ending" | "step">): {
  readonly kind: Ending["kind"];
  readonly code: Ending["code"];
  readonly detail: string | null;
  readonly step: UpstreamStep | null;
} {
  if (ending === undefined) return { kind: "failed", code: "internal", detail: null, step: step ?? null };
  return { kind: ending.kind, code: ending.code, detail: ending.detail ?? null, step: step ?? null };
}
