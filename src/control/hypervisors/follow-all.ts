import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "#base/process/log.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Store } from "../store/store.ts";
import type { DriverPool } from "./driver-pool.ts";
import { followHypervisor, News } from "./following.ts";
import type { Inventory } from "./inventory.ts";
import { markDown, markUp, problemOf } from "./standing.ts";

const limits = {
  /** Rests between tries of a hypervisor that is away: each twice as long as the one before, up to that. */
  firstRestMs: 1_000,
  longestRestMs: 60_000,
  /** All are begun within that, not at once. */
  spreadMs: 5_000,
  /** After a database that could not be read. */
  readAgainMs: 1_000,
} as const;

interface Parts {
  readonly store: Store;
  readonly cluster: Cluster;
  readonly driverPool: DriverPool;
  readonly inventory: Inventory;
  readonly log: Log;
}

interface Hypervisor {
  readonly id: string;
  readonly name: string;
}

interface Followed {
  readonly name: string;
  /** Has all that it has listed anew, at once where it is away. */
  lookAgain(): void;
  stop(): Promise<void>;
}

/**
 * Follows each hypervisor, on the replica that leads. Each is followed by itself: one that does not answer keeps nobody waiting. Of one
 * that is away nothing is taken for gone.
 */
export function followHypervisors(parts: Parts): { stop(): Promise<void> } {
  return parts.cluster.lead("hypervisors", async (signal) => await followAll(parts, signal));
}

async function followAll(parts: Parts, signal: AbortSignal): Promise<void> {
  const followed = new Map<string, Followed>();
  const news = new News();
  const subscription = parts.cluster.subscribe("hypervisors", {
    heard(id) {
      // Its rules may be others by now, or how it is reached.
      followed.get(id)?.lookAgain();
      news.tellAll();
    },
    missed: () => news.tellAll(),
  });
  signal.addEventListener("abort", () => news.tellAll(), { once: true });
  news.tellAll();
  try {
    while (!signal.aborted) {
      await news.take();
      await adjust(parts, followed, signal).catch(async (error: unknown) => {
        parts.log.warn({ error }, "Hypervisors could not be read");
        await delay(limits.readAgainMs, undefined, { signal, ref: false }).catch(() => {});
        news.tellAll();
      });
    }
  } finally {
    subscription.stop();
    await Promise.all([...followed.values()].map(async (each) => await each.stop()));
  }
}

/** Begins with those that came, and ends with those that went, or are called otherwise. */
async function adjust(parts: Parts, followed: Map<string, Followed>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const rows = await parts.store.db.selectFrom("hypervisors").select(["id", "name"]).execute();
  const there = new Map(rows.map(({ id, name }) => [id, name]));
  for (const [id, { name, stop }] of followed) {
    if (there.get(id) === name) continue;
    followed.delete(id);
    await stop();
  }
  const isFirst = followed.size === 0;
  for (const row of rows)
    if (!followed.has(row.id))
      followed.set(
        row.id,
        begin(parts, row, isFirst && rows.length > 1 ? Math.random() * limits.spreadMs : 0),
      );
}

function begin(parts: Parts, hypervisor: Hypervisor, inMs: number): Followed {
  const leaving = new AbortController();
  let [news, waking] = [new News(), new AbortController()];
  const nextTry = () => {
    [news, waking] = [new News(), new AbortController()];
    return { news, woken: AbortSignal.any([leaving.signal, waking.signal]) };
  };
  const work = followAgain(parts, { hypervisor, inMs, nextTry }, leaving.signal);
  return {
    name: hypervisor.name,
    lookAgain() {
      news.tellAll();
      waking.abort(new Error("something was changed"));
    },
    async stop() {
      leaving.abort(new Error("it is followed no more"));
      await work;
    },
  };
}

interface Following {
  readonly hypervisor: Hypervisor;
  /** Before the first time. */
  readonly inMs: number;
  /** What is to be looked at, and a signal that ends the rest behind it. */
  readonly nextTry: () => { readonly news: News; readonly woken: AbortSignal };
}

/** Until the signal is aborted. Never throws. */
async function followAgain(
  { store, driverPool, inventory, log }: Parts,
  { hypervisor: { id, name: hypervisor }, inMs, nextTry }: Following,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  let lastProblem: string | undefined;
  let upSince: number | undefined;
  let lastSilent = "";
  const onListed = async (machines: number, silent: readonly string[]) => {
    if (silent.join() !== lastSilent)
      log.warn({ hypervisor, silent }, "Which parts of a hypervisor do not answer has changed");
    lastSilent = silent.join();
    if (upSince !== undefined) return;
    await markUp(store, id);
    log.info({ hypervisor, machines }, "Hypervisor is followed");
    [upSince, lastProblem] = [performance.now(), undefined];
  };
  await rest(inMs, signal);
  while (!signal.aborted) {
    const { news, woken } = nextTry();
    let left: AbortSignal | undefined;
    try {
      const current = await driverPool.currentOf(id);
      left = current.left;
      const { driver } = current;
      const following = { store, driverPool, inventory, hypervisorId: id, driver, news, onListed };
      await followHypervisor(following, AbortSignal.any([signal, left]));
    } catch (error) {
      if (signal.aborted) return;
      if (left?.aborted === true) {
        // Nothing is amiss: it is reached in another way from now on.
        [failures, lastProblem, upSince] = [0, undefined, undefined];
        continue;
      }
      // One that comes and goes is not listed anew every second.
      if (upSince !== undefined && performance.now() - upSince > limits.longestRestMs) failures = 0;
      upSince = undefined;
      const problem = problemOf(error);
      if (problem !== lastProblem) log.warn({ hypervisor, error, problem }, "Hypervisor is not heard from");
      lastProblem = problem;
      if (!store.isUnavailable(error))
        await markDown(store, id, problem).catch((failure: unknown) =>
          log.warn({ hypervisor, error: failure }, "That a hypervisor is away could not be written down"),
        );
    }
    await rest(restMs(failures), woken);
    failures = woken.aborted ? 0 : failures + 1;
  }
}

/** How long nobody tries a hypervisor after so many failures before this one: between half of the step and all of it, so that those that went together are not asked together for ever. */
export function restMs(failures: number): number {
  const step = Math.min(limits.firstRestMs * 2 ** Math.min(failures, 16), limits.longestRestMs);
  return step / 2 + (Math.random() * step) / 2;
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal, ref: false }).catch(() => {});
}
