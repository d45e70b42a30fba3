import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "#base/process/log.ts";
import type { Queries } from "../store/store.ts";
import { type Cluster, type LeadTask, requireShort } from "./cluster.ts";
import { Subscribers } from "./subscribers.ts";
import { Term } from "./term.ts";

const limits = {
  /** Before a task that ended by itself is begun again. */
  restMs: 1_000,
} as const;

/** Does something once the transaction is on disk, at once where there is none, and never if it is undone. */
export type AfterCommit = (db: Queries, action: () => void) => void;

/** The cluster of one: an embedded database has one replica, which hears itself and always leads. */
export function createEmbeddedCluster({
  afterCommit,
  log,
}: {
  readonly afterCommit: AfterCommit;
  readonly log: Log;
}): Cluster {
  const subscribers = new Subscribers(log);
  const leading = new Map<string, () => Promise<void>>();

  return {
    async publish(db, topic, text) {
      requireShort(topic, text);
      afterCommit(db, () => subscribers.heard(topic, text));
    },

    subscribe(topic, subscriber) {
      return subscribers.add(topic, subscriber);
    },

    lead(name, task) {
      if (leading.has(name)) throw new Error(`${name} is led here already`);
      const controller = new AbortController();
      const work = leadUntil(controller.signal, { name, task, log });
      const stop = async () => {
        controller.abort();
        await work;
        leading.delete(name);
      };
      leading.set(name, stop);
      return { stop };
    },

    async close() {
      subscribers.clear();
      await Promise.all([...leading.values()].map(async (stop) => await stop()));
    },
  };
}

async function leadUntil(
  stop: AbortSignal,
  { name, task, log }: { readonly name: string; readonly task: LeadTask; readonly log: Log },
): Promise<void> {
  while (!stop.aborted) {
    const term = new Term(name, { task, log });
    const end = () => void term.end();
    stop.addEventListener("abort", end);
    await term.over;
    stop.removeEventListener("abort", end);
    await delay(limits.restMs, undefined, { signal: stop, ref: false }).catch(() => {});
  }
}
