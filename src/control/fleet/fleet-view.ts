import { setTimeout } from "node:timers/promises";
import { isLive } from "../sessions/conditions.ts";
import type { SettingValues } from "../settings/settings.ts";
import { INTEGER, prepare } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import type { Candidate } from "./assignment.ts";
import { ENTRANCE_COLUMNS, entranceOf } from "./entrance.ts";
import { silenceMs } from "./up.ts";

const limits = {
  /**
   * A reading is out of date when it is so many times as old as it took: reading is a twentieth of a replica's work at
   * most, and a small fleet is read again after milliseconds.
   */
  ageInReadings: 20,
  /**
   * After a reading nobody is read for again until so many times as long has passed: who is refused by a pool that is full
   * has looked first, and a crowd of them is not to keep a replica and its database busy with nothing but looking.
   */
  restInReadings: 3,
  mostRestMs: 500,
} as const;

/** What a ticket has to know of its node. */
export interface FleetNode extends Candidate {
  readonly pool: string;
  /** The start of the node that is now. */
  readonly incarnation: string;
  /** The newest generation of ticket keys that it has said it holds. */
  readonly ticketGeneration: number;
  readonly pageOrigin: string;
  readonly webSocketOrigin: string;
}

/** The time that readings take and rest for. */
interface Pace {
  /** Milliseconds since whenever. */
  readonly elapsed: () => number;
  readonly wait: (ms: number) => Promise<void>;
}

const PACE: Pace = { elapsed: () => performance.now(), wait: async (ms) => await setTimeout(ms) };

/** The same, with what this replica has given out of it since it was read. */
export interface ViewedNode extends FleetNode {
  sessions: number;
  readonly given: Set<number>;
}

/**
 * The nodes that are up with their sessions counted, as this replica last read them: counting the sessions of thousands
 * of nodes for each console would take too long. It is good for choosing and for nothing else: whether the node still
 * is what it was, and has the place, is decided by the statement that takes it.
 */
export class FleetView {
  readonly #elapsed: Pace["elapsed"];
  readonly #wait: Pace["wait"];
  readonly #read: () => Promise<FleetNode[]>;
  #pools: ReadonlyMap<string, readonly ViewedNode[]> = new Map();
  #reading: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #outOfDateAt = 0;
  #restsUntil = 0;

  constructor(store: Store, values: SettingValues, { elapsed, wait }: Pace = PACE) {
    this.#elapsed = elapsed;
    this.#wait = wait;
    const find = prepareFind(store);
    this.#read = async () => (await find(store.db, { silenceMs: silenceMs(values) })).map(toNode);
  }

  /** The nodes of a pool, the oldest first; out of the last reading, where there is one, with another one begun. */
  async pool(name: string): Promise<readonly ViewedNode[]> {
    if (this.#outOfDateAt === 0) await this.reread();
    // What fails now is tried again by the next one, or by whoever cannot do without.
    else if (this.#elapsed() > this.#outOfDateAt && this.#next === undefined) this.#begin().catch(() => {});
    return this.#pools.get(name) ?? [];
  }

  /** Resolves when there is a reading that began after this was called. Callers share one. */
  reread(): Promise<void> {
    this.#next ??= this.#follow();
    return this.#next;
  }

  async #follow(): Promise<void> {
    // It may have looked already.
    await this.#reading?.catch(() => {});
    const restMs = this.#restsUntil - this.#elapsed();
    if (restMs > 0) await this.#wait(restMs);
    this.#next = undefined;
    await this.#begin();
  }

  /** Joins the one that runs. */
  #begin(): Promise<void> {
    this.#reading ??= this.#readAll().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readAll(): Promise<void> {
    const began = this.#elapsed();
    const nodes = await this.#read();
    const pools = new Map<string, ViewedNode[]>();
    for (const node of nodes) {
      const viewed = { ...node, given: new Set<number>() };
      const pool = pools.get(node.pool);
      if (pool === undefined) pools.set(node.pool, [viewed]);
      else pool.push(viewed);
    }
    this.#pools = pools;
    const now = this.#elapsed();
    const took = now - began;
    this.#outOfDateAt = now + limits.ageInReadings * took;
    this.#restsUntil = now + Math.min(limits.mostRestMs, limits.restInReadings * took);
  }
}

function prepareFind(store: Store) {
  return prepare(store, { silenceMs: INTEGER }, (db, slots) =>
    db
      .selectFrom("nodes")
      // INVARIANT: a ticket is sealed with nothing that its node does not hold, or is to forget.
      .innerJoin("ticket_keys", "ticket_keys.generation", "nodes.ticket_generation")
      .where("ticket_keys.retiring_at", "is", null)
      .select(["nodes.id", "nodes.pool"])
      .select(ENTRANCE_COLUMNS)
      .select(["nodes.maximum_sessions", "nodes.ticket_generation", "nodes.draining_at"])
      .select((select) =>
        select
          .selectFrom("sessions")
          .select((count) => count.fn.countAll<number>().as("live"))
          .whereRef("sessions.node_id", "=", "nodes.id")
          .where(isLive)
          .as("live"),
      )
      .where("nodes.incarnation", "is not", null)
      .where("nodes.seen_at", ">", (where) => where(store.now, "-", slots.silenceMs))
      .orderBy("nodes.created_at")
      .orderBy("nodes.id"),
  );
}

function toNode(row: Awaited<ReturnType<ReturnType<typeof prepareFind>>>[number]): FleetNode {
  return {
    id: row.id,
    pool: row.pool,
    incarnation: row.incarnation ?? "",
    ticketGeneration: row.ticket_generation,
    ...entranceOf(row),
    maximumSessions: row.maximum_sessions,
    isDraining: row.draining_at !== null,
    sessions: row.live ?? 0,
  };
}
