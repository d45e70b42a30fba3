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
        await this.#sendBatch(signal);
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

  async #sendBatch(signal: AbortSignal): Promise<void> {
    const { send, end, incarnation, log } = this.#options;
    const batch = [...this.#queue.entries().take(linkLimits.reportsPerRequest)];
    const reports = batch.map(([, report]) => report);
    try {
      const { over = [] } = await send({ incarnation, reports }, signal);
      for (const session of over) end(session);
    } catch (error) {
      if (!isHopeless(error)) throw error;
      log.error({ error, reports: reports.length }, "Control does not take these reports, they are dropped");
    }
    // A session may have ended while its beginning was under way: that is still to be told.
    for (const [key, report] of batch) if (this.#queue.get(key) === report) this.#queue.delete(key);
  }

  /** Beginnings go before endings do: an ending alone still tells the story, a beginning alone never stops. */
  #makeRoom(): void {
    const [oldest] = this.#queue.keys();
    const active = this.#queue.entries().find(([, report]) => report.state === "active")?.[0];
    this.#queue.delete(active ?? oldest ?? "");
    this.#dropped += 1;
    if (this.#dropped === 1)
      this.#options.log.error("More reports wait for control than are kept; the oldest go");
  }
}

function keyOf({ sessionId, attachment }: Pick<SessionReport, "sessionId" | "attachment">): string {
  return `${sessionId} ${attachment}`;
}

/** Sending the same once more would get the same answer. */
function isHopeless(error: unknown): boolean {
  const { code } = toGatewayError(error);
  return code === "request_invalid" || code === "body_too_large" || code === "node_superseded";
}
