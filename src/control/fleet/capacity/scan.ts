import type { Log } from "#base/process/log.ts";
import type { Secret } from "#base/secret.ts";
import { LaunchError, type Launcher, launcherLimits } from "../launchers/launcher.ts";
import type { LauncherCalls } from "./calls.ts";
import {
  type CapacityDecision,
  type CapacityMemory,
  type CapacitySettings,
  decide,
  standbyOf,
} from "./decide.ts";
import type { Launches } from "./launches.ts";
import { matchInstances } from "./matching.ts";
import { type FleetPool, type Listing, poolsOf, poolView } from "./pool-view.ts";
import type { Fleet, FleetOrder } from "./reading.ts";
import { type Tending, tend, tendAbandoned } from "./tend.ts";

const NO_HISTORY = { launchedLately: 0, failures: 0, failedAt: null } as const;

/** What nodes that are launched are told, but for the token. */
export interface JoinHints {
  readonly controls: readonly string[];
  readonly listen?: string;
  readonly publicAddress?: string;
}

export interface ScanParts {
  readonly read: () => Promise<Fleet>;
  readonly launches: Launches;
  /** By pools. Several pools may have one launcher. */
  readonly launchers: ReadonlyMap<string, Launcher>;
  readonly settings: () => CapacitySettings;
  /** How long a node that was not heard of may have viewers. */
  readonly lostMs: () => number;
  /** A new join token for the order's node. */
  readonly newToken: (order: { readonly id: string; readonly pool: string }) => Promise<Secret>;
  readonly join: () => JoinHints;
  readonly onLaunch?: (kind: string, result: "ok" | "failed") => void;
  readonly log: Log;
}

/** A pool as it was found, for whoever watches. */
export interface PoolState {
  readonly places: number;
  readonly spare: number;
  /** How many are kept spare; 0 where nothing is launched. */
  readonly standby: number;
  readonly existing: number;
  readonly coming: number;
  /** There is not enough room, and no more may be launched. */
  readonly isShort: boolean;
}

/** The scans of one leader. */
export class CapacityScans {
  readonly #parts: ScanParts;
  readonly #calls: LauncherCalls;
  readonly #memory = new Map<string, CapacityMemory>();
  /** How many lists in a row have lacked an order's instance, where any has. */
  #unlisted: ReadonlyMap<string, number> = new Map();
  #pools: ReadonlyMap<string, PoolState> = new Map();

  constructor(parts: ScanParts, calls: LauncherCalls) {
    this.#parts = parts;
    this.#calls = calls;
  }

  get pools(): ReadonlyMap<string, PoolState> {
    return this.#pools;
  }

  /**
   * 1. Launchers say what they have. This comes first: what they list has its order in what is read after it.
   * 2. The fleet is read.
   * 3. What launchers have is put beside the orders; where that changes any, the fleet is read anew. Each order is tended.
   * 4. Each pool is decided about.
   *
   * Where a launcher cannot be asked, nothing is done that needs it: no order of its scope is touched, and nothing launched.
   * Of one that is configured no more, orders are closed whose nodes are gone.
   */
  async scan(signal: AbortSignal): Promise<void> {
    const listings = await this.#list(signal);
    const found = await this.#parts.read();
    this.#unlisted = this.#countUnlisted(listings, found);
    const fleet = (await this.#match(listings, found)) ? await this.#parts.read() : found;
    for (const listing of listings) {
      signal.throwIfAborted();
      await this.#tendAll(listing, fleet);
    }
    await this.#closeAbandoned(fleet);
    await this.#decideAll(listings, fleet, signal);
  }

  async #list(signal: AbortSignal): Promise<readonly Listing[]> {
    const all = [...new Set(this.#parts.launchers.values())];
    const listings = await Promise.all(
      all.map(async (launcher) => {
        const askedAt = performance.now();
        try {
          const limited = AbortSignal.any([signal, AbortSignal.timeout(launcherLimits.callMs)]);
          const instances = await launcher.list(limited);
          return [{ launcher, askedAt, instances: new Map(instances.map((each) => [each.orderId, each])) }];
        } catch (error) {
          signal.throwIfAborted();
          this.#parts.log.error({ error, launcher: launcher.scope }, "A launcher cannot say what it has");
          return [];
        }
      }),
    );
    return listings.flat();
  }

  /** Resolves to whether what was read is so no more. */
  async #match(listings: readonly Listing[], fleet: Fleet): Promise<boolean> {
    const { launches, launchers, settings, log } = this.#parts;
    const mayTake = (orderId: string) => settings().isAuto && !this.#calls.has(orderId);
    let isChanged = false;
    for (const listing of listings)
      if (await matchInstances(listing, fleet, { launches, launchers, mayTake, log })) isChanged = true;
    return isChanged;
  }

  #countUnlisted(listings: readonly Listing[], { orders }: Fleet): ReadonlyMap<string, number> {
    const byScope = new Map(listings.map((listing) => [listing.launcher.scope, listing]));
    const counts = new Map<string, number>();
    for (const { id, scope } of orders) {
      const listing = byScope.get(scope);
      if (listing?.instances.has(id) === true) continue;
      const before = this.#unlisted.get(id) ?? 0;
      // A launcher that could not say what it has does not lack it.
      counts.set(id, listing === undefined ? before : before + 1);
    }
    return counts;
  }

  async #tendAll({ launcher, instances, askedAt }: Listing, { now, orders }: Fleet): Promise<void> {
    const lostMs = this.#parts.lostMs();
    const { isAuto } = this.#parts.settings();
    // In the database's time, by which orders go.
    const listedAt = now - (performance.now() - askedAt);
    for (const order of orders) {
      if (order.scope !== launcher.scope || this.#calls.has(order.id)) continue;
      const instance = instances.get(order.id);
      const unlisted = this.#unlisted.get(order.id) ?? 0;
      const tending = tend({ ...order, instance, listedAt, unlisted }, { now, lostMs });
      if (tending.kind === "nothing") continue;
      if (isAuto || !isHeld(order, tending)) await this.#carryOut(order, tending, launcher);
    }
  }

  /** Those of a configuration that was: a launcher was taken out, or control came to another host. */
  async #closeAbandoned({ now, orders }: Fleet): Promise<void> {
    const { launches, log } = this.#parts;
    if (!this.#parts.settings().isAuto) return;
    const scopes = new Set([...this.#parts.launchers.values()].map(({ scope }) => scope));
    for (const order of orders) {
      const { id, pool, scope, nodeId, state: from } = order;
      if (scopes.has(scope)) continue;
      const tending = tendAbandoned(order, { now, lostMs: this.#parts.lostMs() });
      if (tending.kind === "stay") await launches.noteStays(id);
      if (tending.kind !== "close" || !(await launches.abandon(id, { from, failure: tending.failure })))
        continue;
      log.warn(
        { orderId: id, pool, nodeId, launcher: scope },
        "A node whose launcher is not configured is given up",
      );
    }
  }

  async #carryOut(order: FleetOrder, tending: Tending, launcher: Launcher): Promise<void> {
    const { launches, log } = this.#parts;
    const { id, pool, state: from } = order;
    switch (tending.kind) {
      case "nothing":
        return;
      case "noteLaunched":
        await launches.noteLaunched(id);
        return;
      case "noteSteady":
        await launches.noteSteady(id);
        return;
      case "stay":
        await launches.noteStays(id);
        return;
      case "launch":
        this.#launch(order, launcher);
        return;
      case "start":
        // What is counted is what is done: enough of it and the node is given up.
        if (!this.#canCall(order) || !(await launches.noteStarted(id))) return;
        log.warn({ orderId: id, pool, nodeId: order.nodeId }, "A node has ended and is started again");
        this.#call(order, "start", async (signal) => await launcher.start(id, signal));
        return;
      case "remove":
        if (!(await launches.remove(id, { from, failure: tending.failure }))) return;
        this.#tellEnd(order, launcher, tending.failure);
        this.#call(order, "destroy", async (signal) => await launcher.destroy(id, signal));
        return;
      case "destroy":
        if (!this.#canCall(order) || !(await launches.mayBeDestroyed(id))) return;
        this.#call(order, "destroy", async (signal) => await launcher.destroy(id, signal));
        return;
      case "close":
        if (!(await launches.close(id, { from, failure: tending.failure }))) return;
        if (from === "removing")
          log.info({ orderId: id, pool, nodeId: order.nodeId }, "A node is taken away");
        else this.#tellEnd(order, launcher, tending.failure);
        return;
      default:
        tending satisfies never;
    }
  }

  #launch(order: FleetOrder | { readonly id: string; readonly pool: string }, launcher: Launcher): void {
    const { launches, newToken, join, onLaunch, log } = this.#parts;
    const { id, pool } = order;
    const launch = async (signal: AbortSignal): Promise<void> => {
      try {
        const token = await newToken({ id, pool });
        await launcher.launch({ id, pool, join: { ...join(), token } }, signal);
        if (!(await launches.noteLaunched(id))) return;
        onLaunch?.(launcher.kind, "ok");
        log.info({ orderId: id, pool, launcher: launcher.kind }, "A node is launched");
      } catch (error) {
        // Given up because this replica leads no more, or because it took too long: what has come of it will be listed.
        if (signal.aborted) return;
        const failure = error instanceof LaunchError ? error.message : "control could not launch it";
        if (!(error instanceof LaunchError)) log.error({ error, orderId: id, pool }, "A launch failed");
        if (await launches.remove(id, { from: "ordered", failure })) this.#tellEnd(order, launcher, failure);
      }
    };
    this.#calls.begin(
      { orderId: id, scope: launcher.scope, isLaunch: true },
      async (signal) =>
        await launch(signal).catch((error: unknown) =>
          log.error({ error, orderId: id }, "A launch could not be written down"),
        ),
      launcherLimits.launchMs,
    );
  }

  #canCall({ id, scope }: FleetOrder): boolean {
    return this.#calls.canBegin({ orderId: id, scope, isLaunch: false });
  }

  /** What fails is seen at the next scan, and tried again. */
  #call({ id, pool, scope }: FleetOrder, what: string, call: (signal: AbortSignal) => Promise<void>): void {
    const { log } = this.#parts;
    this.#calls.begin({ orderId: id, scope, isLaunch: false }, async (signal) => {
      try {
        await call(signal);
      } catch (error) {
        if (!signal.aborted) log.error({ error, orderId: id, pool, what }, "A launcher failed");
      }
    });
  }

  #tellEnd(
    { id, pool }: { readonly id: string; readonly pool: string },
    launcher: Launcher,
    failure: string | null,
  ): void {
    const { log, onLaunch } = this.#parts;
    if (failure === null) return;
    onLaunch?.(launcher.kind, "failed");
    log.error(
      { orderId: id, pool, launcher: launcher.kind, failure },
      "A node that was launched is given up",
    );
  }

  async #decideAll(listings: readonly Listing[], fleet: Fleet, signal: AbortSignal): Promise<void> {
    const states = new Map<string, PoolState>();
    for (const [name, pool] of poolsOf(fleet, this.#parts.launchers.keys())) {
      signal.throwIfAborted();
      const launcher = this.#parts.launchers.get(name);
      const listing = listings.find((each) => each.launcher === launcher);
      states.set(name, await this.#decide(name, { ...pool, fleet, listing }));
    }
    this.#pools = states;
  }

  async #decide(
    name: string,
    { fleet, listing, ...pool }: FleetPool & { readonly fleet: Fleet; readonly listing: Listing | undefined },
  ): Promise<PoolState> {
    const given = this.#parts.settings();
    const settings = { ...given, isAuto: given.isAuto && listing !== undefined };
    const { now, history } = fleet;
    const seen = poolView(pool, { now, lostMs: this.#parts.lostMs(), listing });
    const view = { ...seen, ...(history.get(name) ?? NO_HISTORY) };
    const memory = this.#memory.get(name) ?? { spareSince: null };
    const decision = decide(view, { settings, memory, now });
    this.#memory.set(name, decision.memory);
    const launched = listing === undefined ? 0 : await this.#act(name, decision, { listing, pool });
    const { places, spare } = decision;
    const [existing, coming] = [view.existing + launched, view.coming + launched];
    const standby = given.isAuto && this.#parts.launchers.has(name) ? standbyOf(given) : 0;
    const isShort = spare < settings.standby && coming + decision.recall.length === 0;
    if (isShort && this.#pools.get(name)?.isShort !== true)
      this.#parts.log.warn(
        { pool: name, spare, standby: settings.standby },
        "A pool has too little room, and nothing is launched for it",
      );
    return { places, spare, standby, existing, coming, isShort };
  }

  /** Resolves to how many are launched. */
  async #act(
    pool: string,
    { launch, recall, leave }: CapacityDecision,
    {
      listing: { launcher },
      pool: { orders },
    }: { readonly listing: Listing; readonly pool: Pick<FleetPool, "orders"> },
  ): Promise<number> {
    const { launches, log } = this.#parts;
    const orderOf = (nodeId: string) => orders.find((order) => order.nodeId === nodeId)?.id ?? "";
    for (const nodeId of recall)
      if (await launches.recall(orderOf(nodeId)))
        log.info({ nodeId, pool }, "A node that was being emptied is wanted again");
    for (const nodeId of leave)
      if (await launches.leave(orderOf(nodeId)))
        log.info({ nodeId, pool }, "A node is emptied, to be taken away");
    if (launch === 0) return 0;
    const seen = new Set(orders.map(({ id }) => id));
    const ordered = await launches.order(pool, launch, { seen, launcher });
    for (const id of ordered) this.#launch({ id, pool }, launcher);
    return ordered.length;
  }
}

/** Where the installation is left as it is, nodes are neither started again nor given up. What was begun goes on. */
function isHeld({ state }: FleetOrder, { kind, ...tending }: Tending): boolean {
  const isGivenUp = kind === "remove" && "failure" in tending && tending.failure !== null;
  return state === "joined" && (kind === "start" || isGivenUp);
}
