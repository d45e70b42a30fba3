import type pg from "pg";
import type { Log } from "#base/process/log.ts";
import type { LeadTask } from "../cluster.ts";
import { Term } from "../term.ts";

const limits = {
  /** Before a task that ended by itself may be begun again, here or elsewhere. */
  restMs: 1_000,
} as const;

/** Who holds this lock of PostgreSQL leads. It belongs to the session, so it falls with the session. */
const KEY = "hashtextextended($1, 0)";

/** One name that this replica leads, or waits to lead. */
export class Lead {
  readonly #name: string;
  readonly #task: LeadTask;
  readonly #log: Log;
  /** Of the session that holds the lock. */
  #client: pg.Client | undefined;
  #term: Term | undefined;
  #attempt: Promise<void> | undefined;
  #restsUntil = 0;
  #isStopped = false;

  constructor(name: string, { task, log }: { readonly task: LeadTask; readonly log: Log }) {
    this.#name = name;
    this.#task = task;
    this.#log = log;
  }

  /** Takes the lead if nobody has it. */
  async beat(client: pg.Client): Promise<void> {
    const isBusy = this.#isStopped || this.#term !== undefined || this.#client !== undefined;
    if (isBusy || performance.now() < this.#restsUntil) return;
    this.#attempt = this.#try(client);
    try {
      await this.#attempt;
    } finally {
      this.#attempt = undefined;
    }
  }

  /** The session is gone: somebody else may lead by now. */
  lost(): void {
    if (this.#client !== undefined) this.#log.warn({ task: this.#name }, "This replica leads no more");
    this.#client = undefined;
    void this.#term?.end();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    // One that fails has taken nothing.
    await this.#attempt?.catch(() => {});
    await this.#term?.end();
    await this.#letGo();
  }

  async #try(client: pg.Client): Promise<void> {
    const { rows } = await client.query<{ taken: boolean }>(`select pg_try_advisory_lock(${KEY}) as taken`, [
      this.#key,
    ]);
    if (rows[0]?.taken !== true) return;
    this.#client = client;
    if (this.#isStopped) return;
    this.#log.info({ task: this.#name }, "This replica leads");
    const term = new Term(this.#name, { task: this.#task, log: this.#log });
    this.#term = term;
    void term.over.then(async () => await this.#over());
  }

  async #over(): Promise<void> {
    this.#restsUntil = performance.now() + limits.restMs;
    this.#term = undefined;
    if (!this.#isStopped) await this.#letGo();
  }

  /** Where that fails, the session is lost, and the lock with it. */
  async #letGo(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.query(`select pg_advisory_unlock(${KEY})`, [this.#key]).catch(() => {});
  }

  get #key(): string {
    return `porthole lead ${this.#name}`;
  }
}
