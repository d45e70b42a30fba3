import { secondsSince } from "#base/process/admin/meters.ts";
import type { Span } from "#base/process/tracing/tracing.ts";
import type { Grant } from "#wire/grant.ts";
import type { Stage } from "#wire/viewer.ts";
import type { UpstreamLeg } from "../console/upstream-leg.ts";
import { codeOf, type Observing, timed } from "./observing.ts";

/**
 * Follows one console while it is being opened: the dial, the handshake, and the wait for the first byte that the machine
 * says after it. Whoever has no meters and no tracing makes none of these.
 */
export class OpeningWatch {
  readonly #observing: Observing;
  readonly #grant: Pick<Grant, "protocol" | "traceparent">;
  #connectedAt: number | undefined;
  /** The part that is under way. */
  #span: Span | undefined;

  constructor(observing: Observing, { protocol, traceparent }: Grant) {
    this.#observing = observing;
    this.#grant = { protocol, ...(traceparent === undefined ? {} : { traceparent }) };
  }

  /** Around the dial. */
  async dial(connect: () => Promise<UpstreamLeg>): Promise<UpstreamLeg> {
    this.#begin("dial");
    try {
      const leg = await timed(this.#observing.meters, "porthole_node_dial_seconds", connect);
      this.#connectedAt = performance.now();
      this.#begin("handshake");
      return leg;
    } catch (error) {
      this.end(codeOf(error));
      throw error;
    }
  }

  /** The machine's side is ready when the viewer is being attached. */
  stage(stage: Stage): void {
    if (stage !== "attaching" || this.#connectedAt === undefined) return;
    const { meters } = this.#observing;
    const { protocol } = this.#grant;
    meters?.observe("porthole_node_handshake_seconds", secondsSince(this.#connectedAt), { protocol });
    this.#begin("first byte");
  }

  /** It is open, or over: `problem` is the code of what went wrong. */
  end(problem?: string): void {
    this.#span?.end(problem);
    this.#span = undefined;
  }

  #begin(name: string): void {
    this.end();
    const { tracing } = this.#observing;
    const { traceparent: parent, protocol } = this.#grant;
    // Without the trace of an issue there is nothing that it would be a part of.
    if (parent === undefined) return;
    this.#span = tracing?.start(name, { parent, attributes: { "porthole.protocol": protocol } });
  }
}
