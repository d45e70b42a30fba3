import type { Log } from "#base/process/log.ts";
import type { LeadTask } from "./cluster.ts";

/** One time that a replica leads: from when it took the lead until its task is over. */
export class Term {
  readonly #controller = new AbortController();
  readonly #log: Log;
  /** Resolves when the task is over, whatever ended it. */
  readonly over: Promise<void>;

  constructor(name: string, { task, log }: { readonly task: LeadTask; readonly log: Log }) {
    this.#log = log.child({ task: name });
    this.over = this.#run(task);
  }

  /** Tells the task to end, and resolves when it has. */
  async end(): Promise<void> {
    this.#controller.abort();
    await this.over;
  }

  async #run(task: LeadTask): Promise<void> {
    const { signal } = this.#controller;
    try {
      await task(signal);
    } catch (error) {
      // What it throws because it was told to end is no news.
      if (!signal.aborted) this.#log.error({ error }, "The task of the leading replica failed");
    }
  }
}
