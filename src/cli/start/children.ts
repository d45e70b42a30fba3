import { setTimeout as delay } from "node:timers/promises";
import type { Static, TSchema } from "typebox";
import { type Child, type ChildEnd, endText, startChild } from "#base/process/child.ts";
import { RESTART_STATUS } from "#base/process/restart.ts";
import { aborted } from "#base/process/role.ts";
import { StartFailure } from "#base/process/start-failure.ts";
import { childEnvironment } from "./config.ts";

const limits = {
  /** A signal to the whole process group may reach a child, and end it, before it reaches us. */
  signalMs: 1000,
} as const;

/** All processes of the installation together: when one dies, they all end. */
export class Children {
  readonly #running: Child<unknown>[] = [];
  readonly #stop: AbortSignal;
  readonly #started: (pid: number) => void;
  readonly #died = new AbortController();
  #dead: ChildEnd | undefined;
  /** Aborts when everything is to stop, or when one died of itself. */
  readonly over: AbortSignal;

  /** `started` hears of every process, before anything can go wrong with it. */
  constructor(stop: AbortSignal, started: (pid: number) => void) {
    this.#stop = stop;
    this.#started = started;
    this.over = AbortSignal.any([stop, this.#died.signal]);
  }

  /** Throws a StartFailure where it does not become ready. */
  async start<Schema extends TSchema>(
    role: string,
    ready: Schema,
    args: readonly string[],
    { again }: { readonly again?: (ready: Static<Schema>) => readonly string[] } = {},
  ): Promise<Static<Schema>> {
    const child = await startChild(role, args, {
      ready,
      stop: this.over,
      started: this.#started,
      env: childEnvironment(),
    });
    this.#running.push(child);
    void child.ended.then(async (end) => {
      if (end.status === RESTART_STATUS && again !== undefined && !this.over.aborted) {
        this.#running.splice(this.#running.indexOf(child), 1);
        // One that does not come back has died of itself, whatever it says.
        const back = await this.start(role, ready, again(child.ready), { again }).catch(() => undefined);
        if (back !== undefined) return;
      }
      this.#dead ??= end;
      this.#died.abort();
    });
    return child.ready;
  }

  /**
   * Resolves when everything is to stop. Throws a StartFailure when one died of itself; call it as well to learn
   * whether that is why something else failed.
   */
  async supervise(): Promise<void> {
    await aborted(this.over);
    if (!this.#stop.aborted) await Promise.race([aborted(this.#stop), delay(limits.signalMs)]);
    if (this.#stop.aborted || this.#dead === undefined) return;
    throw new StartFailure(
      `${this.#dead.role} ended unexpectedly (${endText(this.#dead)}), so everything is stopped`,
    );
  }

  /** The newest first, one after the other: each can still say goodbye to those that it was started after. */
  async stop(): Promise<void> {
    for (const child of this.#running.toReversed()) await child.stop();
  }
}
