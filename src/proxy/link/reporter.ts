import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import type { Log } from "#base/process/log.ts";
import { toGatewayError } from "#wire/gateway-error.ts";
import {
  linkLimits,
  type ReportRequest,
  type ReportResponse,
  type SessionReport,
  type SessionToEnd,
} from "#wire/link.ts";
import { Backoff } from "./backoff.ts";

const limits = {
  /** About 15 MB. More than this many sessions began and ended while control was away: the oldest go. */
  queuedReports: 50_000,
} as const;

/** How long a report waits for others to travel with: a burst of consoles costs one request, not hundreds. */
const COALESCE_MS = 50;

interface ReporterOptions {
  /** Throws a GatewayError. */
  readonly send: (request: ReportRequest, signal: AbortSignal) => Promise<ReportResponse>;
  /** Control has this session as over, though it was reported as open. */
  readonly end: (session: SessionToEnd) => void;
  readonly incarnation: string;
  readonly log: Log;
}

/**
 * Tells control what became of sessions: in order, in batches, until it says that it has them. Control takes each
 * report once at most, so sending one twice is harmless and not sending it is not.
 */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #wake = new EventTarget();
  /** The last word on each attachment that control has not had yet, in the order in which they came. */
  readonly #queue = new Map<string, SessionReport>();
  #dropped = 0;
  /** Said once. */
  #isOverfull = false;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /** Whether something of this attachment is still to be told. */
  isReporting({ sessionId, attachment }: Pick<SessionReport, "sessionId" | "attachment">): boolean {
    return this.#queue.has(keyOf({ sessionId, attachment }));
  }

  get queued(): number {
    return this.#queue.size;
  }

  /** How many control will never have. */
  get dropped(): number {
    return this.#dropped;
  }

  /** A session that ends before its beginning was sent is told of once: the ending says all. */
  report(report: SessionReport): void {
    const key = keyOf(report);
    if (this.#queue.size >= limits.queuedReports && !this.#queue.has(key)) this.#makeRoom();
    this.#queue.set(key, report);
    this.#wake.dispatchEvent(new Event("report"));
  }

  /** Sends until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      if (this.#queue.size === 0) await once(this.#wake, "report", { signal });
      await setTimeout(COALESCE_MS, undefined, { signal });
      await this.flush(signal);
    }
  }

  /** Sends what is queued now, trying again until control has it or the signal aborts. */
  async flush(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff();
    while (this.#queue.size > 0) {
      try {
        await this.#send([...this.#queue.entries().take(linkLimits.reportsPerRequest)], signal);
        backoff.reset();
      } catch (error) {
        signal.throwIfAborted();
        this.#options.log.debug({ error, queued: this.#queue.size }, "Reports wait for control");
        await backoff.wait(signal);
      }
    }
  }

  /** For a node that stops: sends what is left, and says so if control could not take it in time. */
  async finish(deadlineMs: number): Promise<void> {
    try {
      await this.flush(AbortSignal.timeout(deadlineMs));
    } catch {
      this.#options.log.error({ reports: this.#queue.size }, "Control could not be told how sessions ended");
    }
  }

  /** Control takes all of a batch or nothing. One that it will never take is halved, until what it minds is alone. */
  async #send(batch: Batch, signal: AbortSignal): Promise<void> {
    const { send, end, incarnation } = this.#options;
    const reports = batch.map(([, report]) => report);
    try {
      const { over = [] } = await send({ incarnation, reports }, signal);
      for (const session of over) end(session);
    } catch (error) {
      if (!isHopeless(error)) throw error;
      if (batch.length > 1 && isAboutOne(error)) {
        const middle = Math.ceil(batch.length / 2);
        await this.#send(batch.slice(0, middle), signal);
        await this.#send(batch.slice(middle), signal);
        return;
      }
      this.#drop(batch, error);
    }
    // A session may have ended while its beginning was under way: that is still to be told.
    for (const [key, report] of batch) if (this.#queue.get(key) === report) this.#queue.delete(key);
  }

  #drop(batch: Batch, error: unknown): void {
    const { log } = this.#options;
    this.#dropped += batch.length;
    const [[, one] = []] = batch;
    const which = one === undefined || batch.length > 1 ? {} : { sessionId: one.sessionId, state: one.state };
    log.error(
      { error, ...which, reports: batch.length },
      "Control does not take these reports, they are dropped",
    );
  }

  /** Beginnings go before endings do: an ending alone still tells the story, a beginning alone never stops. */
  #makeRoom(): void {
    const [oldest] = this.#queue.keys();
    const active = this.#queue.entries().find(([, report]) => report.state === "active")?.[0];
    this.#queue.delete(active ?? oldest ?? "");
    this.#dropped += 1;
    if (!this.#isOverfull)
      this.#options.log.error("More reports wait for control than are kept; the oldest go");
    this.#isOverfull = true;
  }
}

function keyOf({ sessionId, attachment }: Pick<SessionReport, "sessionId" | "attachment">): string {
  return `${sessionId} ${attachment}`;
}

type Batch = readonly (readonly [key: string, report: SessionReport])[];

/** Sending the same once more would get the same answer. */
function isHopeless(error: unknown): boolean {
  return isAboutOne(error) || toGatewayError(error).code === "node_superseded";
}

/** What control minds is in the batch; the rest of it is good. */
function isAboutOne(error: unknown): boolean {
  const { code } = toGatewayError(error);
  return code === "request_invalid" || code === "body_too_large";
}
