import { setTimeout as delay } from "node:timers/promises";
import { GatewayError } from "#wire/gateway-error.ts";
import { prepare, TEXT } from "../store/prepared.ts";
import type { Queries, Store } from "../store/store.ts";
import { lockOf, postpone } from "./pacing-record.ts";
import { judge, prepareStanding, type Verdict, limits as verdictLimits } from "./pacing-verdict.ts";

const limits = {
  /** For those who are finding out whether the password is right; the other half of what a node waits for its grant (proxy/deadlines.ts). */
  waitMs: 5_000,
  /** On average: who have waited together are not to come to the hypervisor in one instant. */
  lookEveryMs: 200,
  /** Who wait at this replica, for one machine and for all: few beside what one node may ask at once (link/channel.ts). */
  waitingForMachine: 32,
  waiting: 256,
} as const;

/**
 * Keeps a machine's hypervisor from being asked again and again with what it does not take. What nodes report is written down in
 * the database (pacing-record.ts), so that it holds for whatever node and replica has the next attempt.
 *
 * INVARIANT: of the attempts with a password that is not known to be right, those that failed and those that are under way are
 * together no more than `free`; after that there is one at a time, each when it is due.
 */
export interface Pacing {
  /**
   * Before a machine's console is granted, and again where that is asked once more. Where others are finding out whether the
   * password is right, waits for what comes of it, within a bound. Throws `upstream_password_paced`, or what the session ended with meanwhile.
   */
  admit(attempt: Attempt): Promise<void>;
  /** Nobody waits any longer, nor from now on. */
  stop(): void;
}

interface Attempt {
  readonly sessionId: string;
  readonly machineId: string;
}

/** How the waiting goes. */
interface Pace {
  /** Milliseconds since whenever. */
  readonly elapsed: () => number;
  /** Rejects when the signal aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

const PACE: Pace = {
  elapsed: () => performance.now(),
  wait: async (ms, signal) => await delay((0.5 + Math.random()) * ms, undefined, { signal }),
};

export function createPacing(store: Store, pace: Pace = PACE): Pacing {
  const find = prepareStanding(store);
  const mark = prepareMark(store);
  const waiting = new Waiting();
  const lifetime = new AbortController();

  const look = async (db: Queries, attempt: Attempt): Promise<Verdict> => {
    const [standing] = await find(db, { ...attempt, countedMs: verdictLimits.countedMs });
    return judge(standing);
  };

  /** Judges once more where nobody else is let through meanwhile, and writes down that it was. */
  const take = async (attempt: Attempt): Promise<Verdict> =>
    await store.db.transaction().execute(async (db) => {
      await store.lock(db, lockOf(attempt.machineId));
      const verdict = await look(db, attempt);
      if (verdict.kind !== "try") return verdict;
      await mark(db, { id: attempt.sessionId });
      const { failures } = verdict;
      if (failures >= verdictLimits.free)
        await postpone(store, db, { machineId: attempt.machineId, failures });
      return { kind: "go" };
    });

  const lookAndTake = async (attempt: Attempt): Promise<Verdict> => {
    const verdict = await look(store.db, attempt);
    return verdict.kind === "try" ? await take(attempt) : verdict;
  };

  return {
    async admit(attempt) {
      let verdict = await lookAndTake(attempt);
      if (verdict.kind !== "wait") return settle(verdict);
      using _place = waiting.enter(attempt.machineId);
      const deadline = pace.elapsed() + limits.waitMs;
      while (verdict.kind === "wait") {
        if (pace.elapsed() >= deadline) throw stillUnknown(verdict);
        await pace.wait(limits.lookEveryMs, lifetime.signal).catch(stopped);
        verdict = await lookAndTake(attempt);
      }
      settle(verdict);
    },

    stop() {
      lifetime.abort();
    },
  };
}

function prepareMark(store: Store) {
  return prepare(store, { id: TEXT }, (db, { id }) =>
    db
      .updateTable("sessions")
      .set({ trying_since: store.now })
      .where("id", "=", id)
      .where("state", "=", "pending"),
  );
}

function settle(verdict: Verdict): void {
  if (verdict.kind === "refuse") throw verdict.error;
}

function stillUnknown({ failures, others }: Extract<Verdict, { kind: "wait" }>): GatewayError {
  const failed = failures === 0 ? "" : `${failures} failed; `;
  const who = others === 1 ? "one other attempt has" : `${others} other attempts have`;
  const detail = `${failed}${who} begun, and within ${limits.waitMs / 1000} s it was not heard whether the password is right`;
  return new GatewayError("upstream_password_paced", { detail });
}

function stopped(cause: unknown): never {
  throw new GatewayError("control_unreachable", { cause, detail: "it stops" });
}

/** Who wait at this replica, machine by machine. */
class Waiting {
  readonly #ofMachine = new Map<string, number>();
  #all = 0;

  /** Counts until it is disposed of. Throws `upstream_password_paced` where too many wait already. */
  enter(machineId: string): Disposable {
    const own = this.#ofMachine.get(machineId) ?? 0;
    if (own >= limits.waitingForMachine || this.#all >= limits.waiting)
      throw new GatewayError("upstream_password_paced", {
        detail: "too many wait already to hear whether the password is right",
      });
    this.#add(machineId, 1);
    return { [Symbol.dispose]: () => this.#add(machineId, -1) };
  }

  #add(machineId: string, change: 1 | -1): void {
    const own = (this.#ofMachine.get(machineId) ?? 0) + change;
    if (own === 0) this.#ofMachine.delete(machineId);
    else this.#ofMachine.set(machineId, own);
    this.#all += change;
  }
}
