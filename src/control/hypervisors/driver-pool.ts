import { Turns } from "#base/turns.ts";
import type { CommandPlace } from "#hypervisors/command/place.ts";
import type { HypervisorDriver } from "#hypervisors/driver.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Queries, Store } from "../store/store.ts";
import type { Vault } from "../vault/vault.ts";
import { createConsolePorts } from "./console-ports.ts";
import { ACCESS_COLUMNS, accessOf, findHypervisor, openCredentials, toPlatform } from "./hypervisor-row.ts";
import { createPlatformDriver } from "./platform-driver.ts";

export const limits = {
  /** Consoles that one hypervisor is asked for at once. Each is a few calls of a driver, which has bounds of its own. */
  consolesAtOnce: 32,
  /** People who wait for those. */
  consolesWaiting: 1_000,
  /** From when somebody asks for a console, the waiting included: less than a node waits for its grant (proxy/deadlines.ts). */
  consoleMs: 8_000,
  /** Power actions, which have turns of their own: who works at a console is not kept waiting by them, nor they by him. */
  ordersAtOnce: 4,
  ordersWaiting: 256,
  /** Pictures of screens, which dashboards ask for over and over: the least of all. */
  looksAtOnce: 2,
  looksWaiting: 64,
  /** Of orders and pictures, the waiting included: less than command line and pages wait for an answer. */
  orderMs: 15_000,
  /** Looks for machines whose consoles have closed, each a call or three: so few that a hypervisor all of whose consoles closed minds little. */
  seeksAtOnce: 4,
  seeksWaiting: 2_000,
} as const;

interface Opened {
  readonly driver: HypervisorDriver;
  /** What it was made of: see accessOf. */
  readonly access: string;
}

interface Pooled {
  readonly opened: Promise<Opened>;
  /** Aborted once the hypervisor is forgotten, or reached in another way. */
  readonly left: AbortController;
  readonly consoles: Turns;
  readonly orders: Turns;
  readonly looks: Turns;
  readonly seeks: Turns;
}

type Question<Result> = (driver: HypervisorDriver, signal: AbortSignal) => Promise<Result>;

interface Asking<Result> {
  readonly turns: "consoles" | "orders" | "looks" | "seeks";
  readonly deadline: AbortSignal;
  readonly question: Question<Result>;
}

interface Parts {
  readonly store: Store;
  readonly vault: Vault;
  readonly commands: CommandPlace;
}

/**
 * This replica's drivers, one for each hypervisor: opened when it is first needed, and kept until the hypervisor is forgotten, or
 * has another address or other credentials. Nothing is shared between two of them, so whoever waits for one that does not answer waits
 * for nobody else's.
 */
export class DriverPool {
  readonly #parts: Parts;
  readonly #pooled = new Map<string, Pooled>();
  readonly #subscription: { stop(): void };
  #isClosed = false;

  constructor(parts: Parts, cluster: Cluster) {
    this.#parts = parts;
    this.#subscription = cluster.subscribe("hypervisors", {
      heard: (id) => void this.#review([id]),
      missed: () => void this.#review([...this.#pooled.keys()]),
    });
  }

  /** Throws `machine_gone` where there is no such hypervisor any more. Whoever gets it does not end it. */
  async driverOf(id: string): Promise<HypervisorDriver> {
    return (await this.currentOf(id)).driver;
  }

  /** The same for whoever keeps it: as the database has the hypervisor now, and until when that holds. */
  async currentOf(id: string): Promise<{ readonly driver: HypervisorDriver; readonly left: AbortSignal }> {
    await this.#review([id]);
    const { opened, left } = this.#get(id);
    return { driver: (await opened).driver, left: left.signal };
  }

  /** For somebody who waits for a console, and for less long where he has asked others. Throws `upstream_timeout` at the deadline. */
  async ask<Result>(id: string, question: Question<Result>, ms: number = limits.consoleMs): Promise<Result> {
    const deadline = AbortSignal.timeout(ms);
    return await this.#askAgain(id, { turns: "consoles", deadline, question });
  }

  /** For somebody who orders something of a machine. Throws `upstream_timeout` at the deadline: it may be done all the same. */
  async order<Result>(id: string, question: Question<Result>): Promise<Result> {
    const deadline = AbortSignal.timeout(limits.orderMs);
    return await withinDeadline(this.#get(id), { turns: "orders", deadline, question });
  }

  /** For somebody who wants to see a screen. Throws `upstream_timeout` at the deadline. */
  async look<Result>(id: string, question: Question<Result>): Promise<Result> {
    const deadline = AbortSignal.timeout(limits.orderMs);
    return await this.#askAgain(id, { turns: "looks", deadline, question });
  }

  /** For somebody whose console has closed and who waits so long. Throws `upstream_timeout` at the deadline. */
  async seek<Result>(id: string, ms: number, question: Question<Result>): Promise<Result> {
    const deadline = AbortSignal.timeout(Math.max(0, Math.round(ms)));
    return await this.#askAgain(id, { turns: "seeks", deadline, question });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#subscription.stop();
    await Promise.all([...this.#pooled].map(async ([id, pooled]) => await this.#forget(id, pooled)));
  }

  /** Whoever asks just when the way there is changed is not told that it was closed. An order is not given twice. */
  async #askAgain<Result>(id: string, asking: Asking<Result>): Promise<Result> {
    const pooled = this.#get(id);
    try {
      return await withinDeadline(pooled, asking);
    } catch (error) {
      if (!pooled.left.signal.aborted || asking.deadline.aborted) throw error;
      return await withinDeadline(this.#get(id), asking);
    }
  }

  #get(id: string): Pooled {
    if (this.#isClosed) throw new GatewayError("upstream_unreachable", { detail: "control stops" });
    const there = this.#pooled.get(id);
    if (there !== undefined) return there;
    const made = {
      opened: open(this.#parts, id),
      left: new AbortController(),
      consoles: turns(limits.consolesAtOnce, limits.consolesWaiting),
      orders: turns(limits.ordersAtOnce, limits.ordersWaiting),
      looks: turns(limits.looksAtOnce, limits.looksWaiting),
      seeks: turns(limits.seeksAtOnce, limits.seeksWaiting),
    };
    this.#pooled.set(id, made);
    made.opened.catch(() => {
      if (this.#pooled.get(id) === made) this.#pooled.delete(id);
    });
    return made;
  }

  /** Those that are not there any more, or are reached in another way, are not kept open; nor is what could not be looked up. */
  async #review(ids: readonly string[]): Promise<void> {
    const kept = ids.flatMap((id) => {
      const pooled = this.#pooled.get(id);
      return pooled === undefined ? [] : [{ id, pooled }];
    });
    if (kept.length === 0) return;
    const now = await accessesOf(this.#parts.store.db, ids).catch(() => new Map<string, string>());
    for (const { id, pooled } of kept) {
      const opened = await pooled.opened.catch(() => undefined);
      if (opened?.access !== now.get(id)) await this.#forget(id, pooled);
    }
  }

  async #forget(id: string, pooled: Pooled): Promise<void> {
    if (this.#pooled.get(id) === pooled) this.#pooled.delete(id);
    pooled.left.abort(new Error("the hypervisor is forgotten, or reached in another way"));
    const opened = await pooled.opened.catch(() => undefined);
    await opened?.driver[Symbol.asyncDispose]();
  }
}

function turns(atWork: number, waiting: number): Turns {
  const full = () => new GatewayError("upstream_timeout", { detail: "too many wait for this hypervisor" });
  return new Turns({ atWork, waiting, full });
}

async function withinDeadline<Result>(
  pooled: Pooled,
  { turns, deadline, question }: Asking<Result>,
): Promise<Result> {
  // What was given up keeps its turn until it is over: a hypervisor that does not answer is not asked more and more.
  const answer = pooled[turns].take(
    async () => await question((await pooled.opened).driver, deadline),
    deadline,
  );
  const { promise: late, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(deadline.reason);
  deadline.addEventListener("abort", giveUp, { once: true });
  try {
    return await Promise.race([answer, late]);
  } catch (cause) {
    if (cause !== deadline.reason) throw cause;
    throw new GatewayError("upstream_timeout", { cause, detail: "its hypervisor does not answer" });
  } finally {
    deadline.removeEventListener("abort", giveUp);
  }
}

async function open({ store, vault, commands }: Parts, id: string): Promise<Opened> {
  const row = await findHypervisor(store.db, id);
  if (row === undefined) throw new GatewayError("machine_gone", { detail: "its hypervisor is forgotten" });
  const ports = createConsolePorts({ store, vault }, id);
  const driver = createPlatformDriver(toPlatform(row), openCredentials(row, vault), { commands, ports });
  return { driver, access: accessOf(row) };
}

async function accessesOf(db: Queries, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const rows = await db
    .selectFrom("hypervisors")
    .select(["id", ...ACCESS_COLUMNS])
    .where("id", "in", ids)
    .execute();
  return new Map(rows.map((row) => [row.id, accessOf(row)]));
}
