import type { ExpressionBuilder } from "kysely";
import type { Node, NodeAgentState, NodeState } from "#wire/api.ts";
import { isLive } from "../sessions/conditions.ts";
import type { NodeTable, Schema } from "../store/schema.ts";
import type { Queries } from "../store/store.ts";
import { entranceOf } from "./entrance.ts";
import { addressOf } from "./ip-range.ts";
import { notedChain } from "./served-chain.ts";

type NodeRow = Awaited<ReturnType<ReturnType<typeof nodeRows>["execute"]>>[number];

/** Nodes as administrators see them, with what is open on each. */
export function nodeRows(db: Queries) {
  return db
    .selectFrom("nodes")
    .selectAll()
    .select((node) => liveOn(node).as("live"));
}

function liveOn(node: ExpressionBuilder<Schema, "nodes">) {
  return node
    .selectFrom("sessions")
    .select((count) => count.fn.countAll<number>().as("live"))
    .whereRef("sessions.node_id", "=", "nodes.id")
    .where(isLive);
}

/** `downBefore`: a node that was not heard of since is down. */
export function toNode(row: NodeRow, downBefore: number): Node {
  const live = row.live ?? 0;
  const { pageOrigin, webSocketOrigin, publicPath } = entranceOf(row);
  const { draining_at: since, drain_outcome: outcome, drain_deadline: deadline } = row;
  return {
    id: row.id,
    pool: row.pool,
    state: stateOf(row, live),
    agentState: agentStateOf(row, downBefore),
    ...(since === null || outcome === null
      ? {}
      : {
          draining: {
            since: new Date(since).toISOString(),
            outcome,
            ...(deadline === null ? {} : { deadline: new Date(deadline).toISOString() }),
            sessions: live,
          },
        }),
    pageOrigin,
    webSocketOrigin,
    ...(publicPath === undefined ? {} : { publicPath }),
    ...certificateOf(row),
    ...(row.given_key === null ? {} : { givenAddress: addressOf(row.given_key) }),
    ...(row.forward_address === null ? {} : { forwardAddress: row.forward_address }),
    sessions: row.sessions,
    ...(row.maximum_sessions === null ? {} : { maximumSessions: row.maximum_sessions }),
    version: row.version,
    seenAt: new Date(row.seen_at).toISOString(),
  };
}

/** What this start of it serves. */
function certificateOf(row: NodeRow): Pick<Node, "certificate" | "certificateProblem"> {
  if (row.certificate_incarnation !== row.incarnation) return {};
  const { certificate_id: id, certificate_not_after: notAfter, certificate_problem: problem } = row;
  const chainId = notedChain(row.certificate_names);
  return {
    ...(id === null || notAfter === null
      ? {}
      : {
          certificate: {
            id,
            notAfter: new Date(notAfter).toISOString(),
            ...(chainId === undefined ? {} : { chainId }),
          },
        }),
    ...(problem === null ? {} : { certificateProblem: problem }),
  };
}

type StateColumns = Pick<
  Selected,
  "revoked_at" | "incarnation" | "page_origin" | "draining_at" | "drain_outcome"
>;
type Selected = { readonly [Column in keyof NodeTable]: NodeRow[Column] };

function stateOf(row: StateColumns, live: number): NodeState {
  if (row.revoked_at !== null) return "revoked";
  if (row.draining_at === null || row.drain_outcome === null) return present(row);
  switch (row.drain_outcome) {
    case "stay":
      return row.incarnation === null ? present(row) : "draining";
    case "restart":
      return row.incarnation === null ? "starting" : "draining";
    case "stop":
      return live === 0 ? "stopped" : "stopping";
    case "leave":
      return row.incarnation === null ? "stopped" : "stopping";
    case "destroy":
      return "stopping";
    default:
      return row.drain_outcome satisfies never;
  }
}

/** Of a node of which nothing is wanted. */
function present({ incarnation, page_origin }: Pick<StateColumns, "incarnation" | "page_origin">): NodeState {
  if (incarnation !== null) return "running";
  return page_origin === "" ? "starting" : "stopped";
}

function agentStateOf(
  { incarnation, page_origin, seen_at }: Pick<Selected, "incarnation" | "page_origin" | "seen_at">,
  downBefore: number,
): NodeAgentState {
  if (incarnation !== null) return seen_at > downBefore ? "up" : "down";
  return page_origin === "" ? "connecting" : "disconnected";
}
