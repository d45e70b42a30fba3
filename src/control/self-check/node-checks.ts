import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Compile } from "typebox/schema";
import type { CheckedRequest, CheckedScreen, SeenByNode } from "#wire/link-self-check.ts";
import { CheckedRequest as CheckedRequestSchema } from "#wire/link-self-check.ts";
import type { CheckName, Seen } from "#wire/self-check.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { INTEGER, prepare, TEXT } from "../store/prepared.ts";
import type { Queries, Store } from "../store/store.ts";
import type { CheckedNode } from "./checked-nodes.ts";

const limits = {
  /** Who asks soon after a node was asked is told what it found then. While it looks, everybody waits for that. */
  sharedMs: 10_000,
  /** For all nodes to look and answer: a little longer than a node takes at most. */
  waitMs: 16_000,
  lookEveryMs: 250,
  /** What nodes found so long ago is forgotten. */
  keptMs: 60 * 60 * 1000,
} as const;

/** A look that a node was asked for. */
interface AskedCheck {
  readonly run: string;
  readonly askedAt: number;
  readonly screens: readonly CheckedScreen[];
}

export interface NodeChecks {
  /** Asks these nodes, and resolves to what they found, by node; who does not answer in time is missing. */
  ask(
    asked: readonly { readonly node: CheckedNode; readonly screens: readonly CheckedScreen[] }[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, { readonly lines?: readonly Seen[]; readonly askedAt: number }>>;
  /** What the node is to be told, which it is from then on. */
  take(nodeId: string): Promise<AskedCheck | undefined>;
  /** Writes down what it found, if that is what it was asked for last. */
  answer(nodeId: string, request: Pick<CheckedRequest, "run" | "lines">): Promise<void>;
}

const answered = Compile(CheckedRequestSchema.properties.lines);

/**
 * What nodes are asked to look at stands in the database: whichever replica holds a node's channel tells it, and whichever
 * hears what it found writes that down.
 */
export function createNodeChecks({
  store,
  cluster,
}: {
  readonly store: Store;
  readonly cluster: Cluster;
}): NodeChecks {
  // Looked for whenever the node is heard of, and hardly ever there.
  const findUntold = prepare(store, { nodeId: TEXT, waitMs: INTEGER }, (db, slots) =>
    db
      .selectFrom("node_checks")
      .select(["run", "asked_at", "screens"])
      .where("node_id", "=", slots.nodeId)
      .where("told", "=", 0)
      .where("asked_at", ">", (where) => where(store.now, "-", slots.waitMs)),
  );
  return {
    async ask(asked, signal) {
      await forgetOld(store);
      for (const { node, screens } of asked) await askOne({ store, cluster }, node.id, screens);
      const ids = asked.map(({ node }) => node.id);
      const deadline = performance.now() + limits.waitMs;
      let rows = await rowsOf(store.db, ids);
      while (rows.some(({ lines }) => lines === null) && performance.now() < deadline) {
        await delay(limits.lookEveryMs, undefined, { signal });
        rows = await rowsOf(store.db, ids);
      }
      return new Map(
        rows.map(({ node_id: id, asked_at: askedAt, lines }) => [
          id,
          { askedAt, ...(lines === null ? {} : { lines: linesIn(lines) }) },
        ]),
      );
    },

    async take(nodeId) {
      const [row] = await findUntold(store.db, { nodeId, waitMs: limits.waitMs });
      if (row === undefined) return undefined;
      const { numUpdatedRows } = await store.db
        .updateTable("node_checks")
        .set({ told: 1 })
        .where("node_id", "=", nodeId)
        .where("run", "=", row.run)
        .where("told", "=", 0)
        .executeTakeFirst();
      if (numUpdatedRows === 0n) return undefined;
      return { run: row.run, askedAt: row.asked_at, screens: JSON.parse(row.screens) };
    },

    async answer(nodeId, { run, lines }) {
      await store.db
        .updateTable("node_checks")
        .set({ lines: JSON.stringify(lines), answered_at: store.now })
        .where("node_id", "=", nodeId)
        .where("run", "=", run)
        .execute();
    },
  };
}

/** Where one is under way, or has just come, there is nothing to ask. */
async function askOne(
  { store, cluster }: { readonly store: Store; readonly cluster: Cluster },
  nodeId: string,
  screens: readonly CheckedScreen[],
): Promise<void> {
  const asked = { run: randomUUID(), asked_at: store.now, screens: JSON.stringify(screens) };
  await store.db.transaction().execute(async (db) => {
    const { numInsertedOrUpdatedRows } = await db
      .insertInto("node_checks")
      .values({ node_id: nodeId, ...asked })
      .onConflict((conflict) =>
        conflict
          .column("node_id")
          .doUpdateSet({ ...asked, told: 0, lines: null, answered_at: null })
          .where((where) =>
            where.or([
              where("node_checks.asked_at", "<=", where(store.now, "-", limits.waitMs)),
              where.and([
                where("node_checks.lines", "is not", null),
                where("node_checks.asked_at", "<=", where(store.now, "-", limits.sharedMs)),
              ]),
            ]),
          ),
      )
      .executeTakeFirstOrThrow();
    if (numInsertedOrUpdatedRows === 1n) await cluster.publish(db, "node", nodeId);
  });
}

async function rowsOf(db: Queries, ids: readonly string[]) {
  if (ids.length === 0) return [];
  return await db
    .selectFrom("node_checks")
    .select(["node_id", "asked_at", "lines"])
    .where("node_id", "in", ids)
    .execute();
}

async function forgetOld(store: Store): Promise<void> {
  await store.db
    .deleteFrom("node_checks")
    .where("asked_at", "<=", (where) => where(store.now, "-", limits.keptMs))
    .execute();
}

/** As another replica may have written them, of another version. */
function linesIn(text: string): readonly Seen[] {
  const lines: unknown = JSON.parse(text);
  return answered.Check(lines) ? (lines as readonly SeenByNode[]) : [];
}

/** What is told of a node that could not be asked, or did not answer. */
export function unaskedLine(
  node: Pick<CheckedNode, "id" | "own">,
  finding: "skipped_node_away" | "skipped_node_older" | "check_silent",
): Seen<CheckName> {
  return {
    check: "node.check",
    nodeId: node.id,
    ...(node.own === undefined ? {} : { subject: node.own.pageOrigin }),
    finding,
  };
}
