import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import type { Log } from "#base/process/log.ts";
import { toGatewayError } from "#wire/gateway-error.ts";
import { linkLimits, type RefusedRequest, type TicketRefusal } from "#wire/link.ts";
import { Backoff } from "./backoff.ts";

const limits = {
  /** About 200 KB. More than this while control is away are not told: who is refused that often is known by then. */
  queued: 1_000,
} as const;

/** How long a refusal waits for others to travel with. */
const COALESCE_MS = 200;

interface Options {
  /** Throws a GatewayError. */
  readonly send: (request: RefusedRequest, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
}

/** Tells control, for its audit log, whom the node has refused by itself. Nobody waits for it. */
export class Refusals {
  readonly #options: Options;
  readonly #wake = new EventTarget();
  readonly #queue: TicketRefusal[] = [];
  #untold = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  tell(refusal: TicketRefusal): void {
    if (this.#queue.length >= limits.queued) {
      this.#untold += 1;
      return;
    }
    this.#queue.push(refusal);
    this.#wake.dispatchEvent(new Event("refusal"));
  }

  /** Sends until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      if (this.#queue.length === 0) await once(this.#wake, "refusal", { signal });
      await setTimeout(COALESCE_MS, undefined, { signal });
      await this.flush(signal);
    }
  }

  /** Sends what is queued now, trying again until control has it or the signal aborts. */
  async flush(signal: AbortSignal): Promise<void> {
    const { send, log } = this.#options;
    const backoff = new Backoff();
    while (this.#queue.length > 0) {
      const refusals = this.#queue.slice(0, linkLimits.refusalsPerRequest);
      try {
        await send({ refusals }, signal);
        backoff.reset();
      } catch (error) {
        signal.throwIfAborted();
        if (!isHopeless(error)) {
          await backoff.wait(signal);
          continue;
        }
        log.debug({ error, refusals: refusals.length }, "Control takes no notice of refusals");
      }
      this.#queue.splice(0, refusals.length);
    }
    if (this.#untold > 0)
      log.warn({ refusals: this.#untold }, "Control was not told of all who were refused");
    this.#untold = 0;
  }
}

/** A control that is older than the call, or that minds what is said. */
function isHopeless(error: unknown): boolean {
  return ["not_found", "request_invalid"].includes(toGatewayError(error).code);
}
