import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import type { Log } from "#base/process/log.ts";

const limits = {
  /** Between two beats, so how long a lead may stand empty that its leader has let go of. */
  beatMs: 1_000,
  /** For an answer of the server. */
  answerMs: 4_000,
  /**
   * After so long without a beat the server ends a session, and with it what the session leads. It is longer than a beat
   * and its answer: who leads knows of its loss before anybody else takes over.
   */
  silence: "6s",
  /** Before the next try to connect, twice as long each time. */
  firstWaitMs: 200,
  longestWaitMs: 5_000,
} as const;

const SETTINGS = `
  set idle_session_timeout = '${limits.silence}';
  set statement_timeout = '${limits.answerMs}ms';
  set tcp_keepalives_idle = 3;
  set tcp_keepalives_interval = 1;
  set tcp_keepalives_count = 3;
`;

/** What a session is kept for. All of it is called in order, never at once. */
export interface SessionUser {
  /** There is a session, a new one: nothing that the one before held is held any more. */
  opened(client: pg.Client): Promise<void>;
  /** Again and again while there is one. */
  beat(client: pg.Client): Promise<void>;
  heard(channel: string, text: string): void;
  /** It is gone, and what it held with it. */
  lost(): void;
}

/**
 * One connection to PostgreSQL that is kept up, for what belongs to a session: listening, and locks that outlast a
 * transaction. One that breaks, or on which the server says nothing in time, is replaced.
 */
export class Session {
  readonly #options: pg.ClientConfig;
  readonly #user: SessionUser;
  readonly #log: Log;
  readonly #stop = new AbortController();
  readonly #opened = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  #isLost = false;

  constructor(options: pg.ClientConfig, { user, log }: { readonly user: SessionUser; readonly log: Log }) {
    this.#options = { ...options, application_name: "porthole session", query_timeout: limits.answerMs };
    this.#user = user;
    this.#log = log;
    this.#opened.promise.catch(() => {});
    this.#running = this.#keep();
  }

  /** Resolves with the first session, rejects where the first try fails. */
  async opened(): Promise<void> {
    await this.#opened.promise;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stop;
    let waitMs: number = limits.firstWaitMs;
    while (!signal.aborted) {
      try {
        await this.#useOne(() => {
          waitMs = limits.firstWaitMs;
        });
      } catch (error) {
        this.#opened.reject(error);
        this.#complain(error);
      }
      await delay(waitMs / 2 + (Math.random() * waitMs) / 2, undefined, { signal }).catch(() => {});
      waitMs = Math.min(2 * waitMs, limits.longestWaitMs);
    }
  }

  /** Returns when it is to stop, throws when the session is lost. */
  async #useOne(opened: () => void): Promise<void> {
    const client = new pg.Client(this.#options);
    const broken = Promise.withResolvers<never>();
    broken.promise.catch(() => {});
    client.on("error", broken.reject);
    client.on("end", () => broken.reject(new Error("the connection has ended")));
    client.on("notification", ({ channel, payload = "" }) => this.#user.heard(channel, payload));
    try {
      await client.connect();
      await client.query(SETTINGS);
      await this.#user.opened(client);
      this.#rejoice();
      opened();
      await this.#beat(client, broken.promise);
    } finally {
      this.#user.lost();
      // Not awaited: where nothing answers, it takes as long as the system tries.
      void client.end().catch(() => {});
    }
  }

  async #beat(client: pg.Client, broken: Promise<never>): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await Promise.race([this.#user.beat(client), broken]);
      const pause = delay(limits.beatMs, undefined, { signal }).catch(() => {});
      await Promise.race([pause, broken]);
    }
  }

  #complain(error: unknown): void {
    if (this.#stop.signal.aborted) return;
    if (!this.#isLost) this.#log.warn({ error }, "The session with the database is lost, trying again");
    this.#isLost = true;
  }

  #rejoice(): void {
    this.#opened.resolve();
    if (this.#isLost) this.#log.info("There is a session with the database again");
    this.#isLost = false;
  }
}
