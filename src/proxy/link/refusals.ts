import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import type { Log } from "#base/process/log.ts";
import { toGatewayError } from "#wire/gateway-error.ts";
import { type RefusedRequest, refusalsPerRequest, type TicketRefusal } from "#wire/link-refusals.ts";
import { Backoff } from "./backoff.ts";

const limits = {
  /** About 200 KB. More than this while control is away are not told: who is refused that often is known by then. */
  queued: 1_000,
  /** Somebody who shows one ticket again and again is told of once in so long. */
  againMs: 60_000,
} as const;

/** How long a refusal waits for others to travel with. Control looks each of them up, so that is also its rest. */
const COALESCE_MS = 1_000;

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
  /** When each was told last, in the order of that. */
  readonly #told = new Map<string, number>();
  #untold = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  tell(refusal: TicketRefusal): void {
    if (this.#wasTold(refusal)) return;
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
      await this.flush(signal, 1);
    }
  }

  /** Sends what is queued now, or a few batches of it, trying again until control has it or the signal aborts. */
  async flush(signal: AbortSignal, batches = Infinity): Promise<void> {
    const { send, log } = this.#options;
    const backoff = new Backoff();
    for (let sent = 0; sent < batches && this.#queue.length > 0; ) {
      const refusals = this.#queue.slice(0, refusalsPerRequest);
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
      sent += 1;
    }
    if (this.#untold > 0)
      log.warn({ refusals: this.#untold }, "Control was not told of all who were refused");
    this.#untold = 0;
  }

  #wasTold({ sessionId, code, viewerAddress, at }: TicketRefusal): boolean {
    const key = `${sessionId} ${code} ${viewerAddress}`;
    const last = this.#told.get(key);
    if (last !== undefined && at - last < limits.againMs) return true;
    this.#told.delete(key);
    this.#told.set(key, at);
    const [oldest] = this.#told.keys();
    if (this.#told.size > limits.queued && oldest !== undefined) this.#told.delete(oldest);
    return false;
  }
}

/** A control that is older than the call, or that minds what is said. */
function isHopeless(error: unknown): boolean {
  return ["not_found", "request_invalid"].includes(toGatewayError(error).code);
}
