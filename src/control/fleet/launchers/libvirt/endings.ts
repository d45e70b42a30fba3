import { setTimeout as delay } from "node:timers/promises";

const cadence = {
  /** A press of the power button is lost on a guest that is not far enough to see it. */
  pressMs: 3_000,
} as const;

/** What is done to a machine that is to switch off. */
export interface Ending {
  /** Resolves to whether it is off. */
  isOff(signal: AbortSignal): Promise<boolean>;
  press(signal: AbortSignal): Promise<void>;
  /** As pulling the plug. */
  cut(signal: AbortSignal): Promise<void>;
  /** How long it has for that. */
  readonly withinMs: number;
  /** Told of what could not be done; it is tried again. */
  onFailure(error: unknown): void;
}

/**
 * Sees machines through to their end: it presses the button again and again, and pulls the plug of one that does not obey.
 * One ending for each machine; what is under way when control ends is begun again by the next one, which asks for it again.
 */
export class Endings {
  readonly #running = new Map<string, AbortController>();
  readonly #loops = new Set<Promise<void>>();

  begin(name: string, ending: Ending): void {
    if (this.#running.has(name)) return;
    const controller = new AbortController();
    this.#running.set(name, controller);
    const loop = run(ending, controller.signal).finally(() => {
      if (this.#running.get(name) === controller) this.#running.delete(name);
      this.#loops.delete(loop);
    });
    this.#loops.add(loop);
  }

  /** The machine is to run again. */
  cancel(name: string): void {
    this.#running.get(name)?.abort();
    this.#running.delete(name);
  }

  async close(): Promise<void> {
    for (const name of [...this.#running.keys()]) this.cancel(name);
    await Promise.all(this.#loops);
  }
}

async function run(ending: Ending, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + ending.withinMs;
  while (!signal.aborted) {
    try {
      if (await ending.isOff(signal)) return;
      if (performance.now() > deadline) await ending.cut(signal);
      else await ending.press(signal);
    } catch (error) {
      if (!signal.aborted) ending.onFailure(error);
    }
    await delay(cadence.pressMs, undefined, { signal }).catch(() => {});
  }
}
