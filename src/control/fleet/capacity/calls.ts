import { launcherLimits } from "../launchers/launcher.ts";

const limits = {
  /** Launchers that work at once: what is beyond them waits for the next scan. */
  running: 16,
} as const;

/** What launchers are asked to do, beside the scans: one thing at a time for each order. */
export class LauncherCalls {
  readonly #running = new Map<string, Promise<void>>();
  readonly #stop: AbortSignal;

  /** Everything is given up when `stop` aborts. */
  constructor(stop: AbortSignal) {
    this.#stop = stop;
  }

  /** Whether the order is being worked on. */
  has(orderId: string): boolean {
    return this.#running.has(orderId);
  }

  /** Whether something would be begun for the order: it is not worked on already, and not too much is. */
  canBegin(orderId: string): boolean {
    return !this.has(orderId) && this.#running.size < limits.running && !this.#stop.aborted;
  }

  /** Begins it, where that can be. `call` sees to its own failures. */
  begin(
    orderId: string,
    call: (signal: AbortSignal) => Promise<void>,
    deadlineMs: number = launcherLimits.callMs,
  ): void {
    if (!this.canBegin(orderId)) return;
    const signal = AbortSignal.any([this.#stop, AbortSignal.timeout(deadlineMs)]);
    const running = call(signal).finally(() => this.#running.delete(orderId));
    this.#running.set(orderId, running);
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }
}
