import { launcherLimits } from "../launchers/launcher.ts";

const limits = {
  /** Calls of one launcher at once: what is beyond them waits for the next scan. A launcher that hangs stops no other. */
  running: 16,
  /** Of these, those that launch nothing: a platform that hangs as it destroys is asked for new nodes all the same. */
  others: 12,
} as const;

/** What a launcher is asked to do. */
export interface LauncherWork {
  readonly orderId: string;
  /** The launcher's. */
  readonly scope: string;
  readonly isLaunch: boolean;
}

interface Running {
  readonly work: LauncherWork;
  readonly done: Promise<void>;
}

/** What launchers are asked to do, beside the scans: one thing at a time for each order. */
export class LauncherCalls {
  readonly #running = new Map<string, Running>();
  readonly #stop: AbortSignal;

  /** Everything is given up when `stop` aborts. */
  constructor(stop: AbortSignal) {
    this.#stop = stop;
  }

  /** Whether the order is being worked on. */
  has(orderId: string): boolean {
    return this.#running.has(orderId);
  }

  /** Whether it would be begun: the order is not worked on already, and its launcher does not have too much to do. */
  canBegin({ orderId, scope, isLaunch }: LauncherWork): boolean {
    if (this.has(orderId) || this.#stop.aborted) return false;
    const same = [...this.#running.values()].filter(({ work }) => work.scope === scope);
    if (same.length >= limits.running) return false;
    return isLaunch || same.filter(({ work }) => !work.isLaunch).length < limits.others;
  }

  /** Begins it, where that can be. `call` sees to its own failures. */
  begin(
    work: LauncherWork,
    call: (signal: AbortSignal) => Promise<void>,
    deadlineMs: number = launcherLimits.callMs,
  ): void {
    if (!this.canBegin(work)) return;
    const signal = AbortSignal.any([this.#stop, AbortSignal.timeout(deadlineMs)]);
    const done = call(signal).finally(() => this.#running.delete(work.orderId));
    this.#running.set(work.orderId, { work, done });
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running.values()].map(({ done }) => done));
  }
}
