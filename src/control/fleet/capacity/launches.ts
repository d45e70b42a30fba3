import { randomUUID } from "node:crypto";
import { sql, type UpdateObject } from "kysely";
import type { Audit } from "../../audit/audit.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import { endSessionsOfNode } from "../../sessions/endings.ts";
import type { SettingValues } from "../../settings/settings.ts";
import type { Schema } from "../../store/schema.ts";
import type { Queries, Store } from "../../store/store.ts";
import type { Draining } from "../draining.ts";
import { type Instance, type Launcher, launcherLimits } from "../launchers/launcher.ts";
import { silenceMs } from "../up.ts";
import type { LaunchState } from "./launch-states.ts";
import { lockNode, mayGo, type OrderedNode } from "./ordered-node.ts";

const limits = {
  /** How long an order is remembered of which nothing is left. */
  keptMs: 7 * 24 * 60 * 60_000,
} as const;

interface Parts {
  readonly store: Store;
  readonly audit: Audit;
  readonly cluster: Cluster;
  readonly draining: Draining;
  readonly values: SettingValues;
}

/** An order that is given up or taken away, out of the state that it was found in. */
interface Giving {
  readonly from: LaunchState;
  readonly failure: string | null;
}

/**
 * The orders in the database. Each step has the state before it as a condition, so that one that two leaders take at once
 * is taken once, and tells whether it was taken.
 */
export class Launches {
  readonly #store: Store;
  readonly #audit: Audit;
  readonly #cluster: Cluster;
  readonly #draining: Draining;
  readonly #values: SettingValues;

  constructor({ store, audit, cluster, draining, values }: Parts) {
    this.#store = store;
    this.#audit = audit;
    this.#cluster = cluster;
    this.#draining = draining;
    this.#values = values;
  }

  /**
   * Writes down orders before anything is launched, so that nothing is launched of which nobody would know. Only where the
   * pool has no others than those that the decision was made from: of two leaders one has decided. What has gone since only
   * makes room.
   */
  async order(
    pool: string,
    count: number,
    { seen, launcher }: { readonly seen: ReadonlySet<string>; readonly launcher: Launcher },
  ): Promise<readonly string[]> {
    return await this.#store.db.transaction().execute(async (db) => {
      await this.#store.lock(db, `launches ${pool}`);
      const present = await db
        .selectFrom("launches")
        .select("id")
        .where("pool", "=", pool)
        .where("ended_at", "is", null)
        .execute();
      if (present.some(({ id }) => !seen.has(id))) return [];
      const ids = Array.from({ length: count }, () => randomUUID());
      // One moment for all of them: they are one attempt (launch-history.ts).
      const { now } = await db.selectNoFrom(this.#store.now.as("now")).executeTakeFirstOrThrow();
      for (const id of ids) {
        await this.#insert(db, { id, pool, launcher, state: "ordered", ordered_at: now });
        await this.#audit.record(db, {
          action: "node.launch",
          by: {},
          detail: `order ${id}, pool ${pool}, by ${launcher.kind}`,
        });
      }
      return ids;
    });
  }

  async noteLaunched(id: string): Promise<boolean> {
    return await this.#step(id, ["ordered"], { state: "launched", launched_at: this.#store.now });
  }

  async noteStarted(id: string): Promise<boolean> {
    return await this.#step(id, ["joined"], {
      starts: sql<number>`starts + 1`,
      started_at: this.#store.now,
    });
  }

  async noteSteady(id: string): Promise<boolean> {
    return await this.#step(id, ["joined"], { starts: 0 });
  }

  async noteStays(id: string): Promise<boolean> {
    return await this.#step(id, ["leaving"], { state: "joined" });
  }

  /** Of an instance whose platform vouches for its node. */
  async noteJoined(id: string, { nodeId, joinsAs }: { nodeId: string; joinsAs: string }): Promise<boolean> {
    return await this.#step(id, ["ordered", "launched", "joined"], {
      state: "joined",
      node_id: nodeId,
      joins_as: joinsAs,
      joined_at: this.#store.now,
    });
  }

  /**
   * Of one that is to go, and whose node joined by itself all the same: nothing is given to that from here on, and it is
   * destroyed when it is empty.
   */
  async noteJoinedLate(
    id: string,
    { nodeId, joinsAs }: { nodeId: string; joinsAs: string },
  ): Promise<boolean> {
    return await this.#store.db.transaction().execute(async (db) => {
      // The node first, then the order: ordered-node.ts.
      await this.#store.lock(db, `node ${nodeId}`);
      const { numUpdatedRows } = await db
        .updateTable("launches")
        .set({ node_id: nodeId, joins_as: joinsAs })
        .where("id", "=", id)
        .where("state", "=", "removing")
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom("nodes")
                .select("nodes.id")
                .whereRef("nodes.id", "=", "launches.node_id")
                .where("nodes.revoked_at", "is", null),
            ),
          ),
        )
        .executeTakeFirst();
      if (numUpdatedRows === 0n) return false;
      return await this.#draining.drain(db, { nodeId, outcome: "stay", deadline: null, by: {} });
    });
  }

  /** Whether nobody loses a console with it: a viewer may have come since the scan read what there is. */
  async mayBeDestroyed(id: string): Promise<boolean> {
    return await this.#withNode(id, async (_db, node) => node === undefined || !node.isUp || node.isEmpty);
  }

  /** Has its node emptied, to be taken away then. Not where somebody else drains it for reasons of his own. */
  async leave(id: string): Promise<boolean> {
    return await this.#withNode(id, async (db, node) => {
      if (node === undefined || node.isDraining) return false;
      if (!(await this.#step(id, ["joined"], { state: "leaving" }, db))) return false;
      const { id: nodeId } = node;
      await this.#draining.drain(db, { nodeId, outcome: "stay", deadline: null, by: {} });
      return await this.#step(
        id,
        ["leaving"],
        { drain_revision: sql`(select drain_revision from nodes where id = ${nodeId})` },
        db,
      );
    });
  }

  /** Takes that back. Not what somebody else has said of the node since. */
  async recall(id: string): Promise<boolean> {
    return await this.#withNode(id, async (db, node) => {
      if (node === undefined || !node.isLeaving) return false;
      if (!(await this.#step(id, ["leaving"], { state: "joined" }, db))) return false;
      return await this.#draining.undrain(db, { nodeId: node.id, by: {} });
    });
  }

  /**
   * What is left of it is to be destroyed from here on; its node joins no more, and is given nothing should it come back.
   * Not where its node is not as it was found: see mayGo.
   */
  async remove(id: string, giving: Giving): Promise<boolean> {
    return await this.#give(id, giving, { state: "removing" }, async (db, node) => {
      if (node === undefined || node.isKeptEmpty) return;
      await this.#draining.drain(db, { nodeId: node.id, outcome: "stay", deadline: null, by: {} });
    });
  }

  /** Nothing is left of it: its node is forgotten as well, and what may have been open there is over. */
  async close(id: string, giving: Giving): Promise<boolean> {
    return await this.#close(id, giving, async (db, nodeId) => await this.#forgetNode(db, nodeId));
  }

  /**
   * Nobody can say what is left of it. A node that was revoked may still run, and is kept: once forgotten, it might join
   * anew.
   */
  async abandon(id: string, giving: Giving): Promise<boolean> {
    return await this.#close(id, giving, async (db, nodeId) => {
      const node = await db
        .selectFrom("nodes")
        .select("revoked_at")
        .where("id", "=", nodeId)
        .executeTakeFirst();
      if (node?.revoked_at === null) await this.#forgetNode(db, nodeId);
    });
  }

  /**
   * What the launcher has and no order is known of, or one that is gone: of a database that was restored, or of a launch
   * that came about after it was given up. It is to be destroyed like anything else, unless its node is one of ours.
   */
  async takeLeftover(
    { orderId: id, pool, joinsAs }: Instance,
    { launcher, nodeId }: { readonly launcher: Launcher; readonly nodeId: string | undefined },
  ): Promise<boolean> {
    return await this.#store.db.transaction().execute(async (db) => {
      await this.#store.lock(db, `launches ${pool}`);
      const row = await db.selectFrom("launches").select("state").where("id", "=", id).executeTakeFirst();
      if (row !== undefined) return await this.#step(id, ["gone"], { state: "removing", ended_at: null }, db);
      if (nodeId === undefined) {
        await this.#insert(db, { id, pool, launcher, state: "removing" });
        return true;
      }
      const adopted = { state: "joined", node_id: nodeId, joins_as: joinsAs ?? null } as const;
      await this.#insert(db, { id, pool, launcher, ...adopted });
      return true;
    });
  }

  /** Forgets what was over long ago. */
  async sweep(): Promise<void> {
    await this.#store.db
      .deleteFrom("launches")
      .where("ended_at", "<=", (where) => where(this.#store.now, "-", sql<number>`${limits.keptMs}`))
      .execute();
  }

  async #insert(
    db: Queries,
    {
      launcher,
      ...row
    }: {
      readonly id: string;
      readonly pool: string;
      readonly launcher: Launcher;
      readonly state: LaunchState;
      readonly ordered_at?: number;
      readonly node_id?: string;
      readonly joins_as?: string | null;
    },
  ): Promise<void> {
    const { now } = this.#store;
    const times = {
      ordered_at: now,
      launched_at: row.state === "ordered" ? null : now,
      joined_at: row.node_id === undefined ? null : now,
      started_at: null,
      ended_at: null,
    };
    await db
      .insertInto("launches")
      .values({
        node_id: null,
        joins_as: null,
        failure: null,
        ...times,
        ...row,
        launcher: launcher.kind,
        scope: launcher.scope,
      })
      .execute();
  }

  async #close(
    id: string,
    giving: Giving,
    andItsNode: (db: Queries, nodeId: string) => Promise<void>,
  ): Promise<boolean> {
    const gone = { state: "gone", ended_at: this.#store.now } as const;
    return await this.#give(id, giving, gone, async (db) => {
      const row = await db.selectFrom("launches").select("node_id").where("id", "=", id).executeTakeFirst();
      if (row?.node_id != null) await andItsNode(db, row.node_id);
    });
  }

  async #give(
    id: string,
    { from, failure }: Giving,
    columns: UpdateObject<Schema, "launches">,
    andItsNode: (db: Queries, node: OrderedNode | undefined) => Promise<void>,
  ): Promise<boolean> {
    return await this.#withNode(id, async (db, node) => {
      if (!mayGo(node, { from, failure })) return false;
      if (!(await this.#step(id, [from], { ...columns, ...failureColumns(failure, this.#store) }, db)))
        return false;
      await this.#tellFailure(db, id, failure);
      await andItsNode(db, node);
      return true;
    });
  }

  /** Does something in a transaction that has the order's node as it is. */
  async #withNode(
    id: string,
    work: (db: Queries, node: OrderedNode | undefined) => Promise<boolean>,
  ): Promise<boolean> {
    return await this.#store.db.transaction().execute(async (db) => {
      const node = await lockNode(db, id, { store: this.#store, silenceMs: silenceMs(this.#values) });
      return node !== "another" && (await work(db, node));
    });
  }

  async #step(
    id: string,
    from: readonly LaunchState[],
    columns: UpdateObject<Schema, "launches">,
    db: Queries = this.#store.db,
  ): Promise<boolean> {
    const { numUpdatedRows } = await db
      .updateTable("launches")
      .set(columns)
      .where("id", "=", id)
      .where("state", "in", from)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  async #tellFailure(db: Queries, id: string, failure: string | null): Promise<void> {
    if (failure === null) return;
    const detail = `order ${id}: ${shortened(failure)}`;
    await this.#audit.record(db, { action: "node.launch-failed", by: {}, detail });
  }

  async #forgetNode(db: Queries, nodeId: string): Promise<void> {
    const { numDeletedRows } = await db.deleteFrom("nodes").where("id", "=", nodeId).executeTakeFirst();
    if (numDeletedRows === 0n) return;
    const ending = { kind: "failed", code: "node_lost" } as const;
    await endSessionsOfNode(db, { store: this.#store, audit: this.#audit, nodeId, ending });
    await this.#audit.record(db, {
      action: "node.remove",
      by: {},
      object: { kind: "node", id: nodeId },
      detail: "taken away by control, which had launched it",
    });
    await this.#cluster.publish(db, "node", nodeId);
  }
}

function failureColumns(failure: string | null, { now }: Pick<Store, "now">) {
  return failure === null ? {} : { failure: shortened(failure), failed_at: now };
}

function shortened(failure: string): string {
  return failure.slice(0, launcherLimits.failureCharacters);
}
