import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import type { Log } from "#base/process/log.ts";
import { toGatewayError } from "#wire/gateway-error.ts";
import { linkLimits, type ReportRequest, type SessionReport } from "#wire/link.ts";
import { Backoff } from "./backoff.ts";

const limits = {
  /** About 15 MB. More than this many sessions began and ended while control was away: the oldest go. */
  queuedReports: 50_000,
} as const;

/** How long a report waits for others to travel with: a burst of consoles costs one request, not hundreds. */
const COALESCE_MS = 50;

interface ReporterOptions {
  /** Throws a GatewayError. */
  readonly send: (request: ReportRequest, signal: AbortSignal) => Promise<unknown>;
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
  #queue: SessionReport[] = [];
  #dropped = 0;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  get queued(): number {
    return this.#queue.length;
  }

  report(report: SessionReport): void {
    if (this.#queue.length >= limits.queuedReports) this.#makeRoom();
    this.#queue.push(report);
    this.#wake.dispatchEvent(new Event("report"));
  }

  /** Sends until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      if (this.#queue.length === 0) await once(this.#wake, "report", { signal });
      await setTimeout(COALESCE_MS, undefined, { signal });
      await this.flush(signal);
    }
  }

  /** Sends what is queued now, trying again until control has it or the signal aborts. */
  async flush(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff();
    while (this.#queue.length > 0) {
      try {
        await this.#sendBatch(signal);
        backoff.reset();
      } catch (error) {
        signal.throwIfAborted();
        this.#options.log.debug({ error, queued: this.#queue.length }, "Reports wait for control");
        await backoff.wait(signal);
      }
    }
  }

  /** For a node that stops: sends what is left, and says so if control could not take it in time. */
  async finish(deadlineMs: number): Promise<void> {
    try {
      await this.flush(AbortSignal.timeout(deadlineMs));
    } catch {
      this.#options.log.error(
        { reports: this.#queue.length },
        "Control could not be told how sessions ended",
      );
    }
  }

  async #sendBatch(signal: AbortSignal): Promise<void> {
    const { send, incarnation, log } = this.#options;
    const reports = this.#queue.slice(0, linkLimits.reportsPerRequest);
    try {
      await send({ incarnation, reports }, signal);
    } catch (error) {
      if (!isHopeless(error)) throw error;
      log.error({ error, reports: reports.length }, "Control does not take these reports, they are dropped");
    }
    // By identity: room may have been made at the front while the call was under way.
    const sent = new Set(reports);
    this.#queue = this.#queue.filter((report) => !sent.has(report));
  }

  /** Beginnings go before endings do: an ending alone still tells the story, a beginning alone never stops. */
  #makeRoom(): void {
    const active = this.#queue.findIndex((report) => report.state === "active");
    this.#queue.splice(Math.max(active, 0), 1);
    this.#dropped += 1;
    if (this.#dropped === 1)
      this.#options.log.error("More reports wait for control than are kept; the oldest go");
  }
}

/** Sending the same once more would get the same answer. */
function isHopeless(error: unknown): boolean {
  const { code } = toGatewayError(error);
  return code === "request_invalid" || code === "body_too_large" || code === "node_superseded";
}
