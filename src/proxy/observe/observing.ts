import { type Meters, secondsSince } from "#base/process/admin/meters.ts";
import type { PROCESS_METRICS } from "#base/process/admin/process-metrics.ts";
import type { Tracing } from "#base/process/tracing/tracing.ts";
import { toGatewayError } from "#wire/gateway-error.ts";
import type { NODE_METRICS } from "./table.ts";

export type NodeMeters = Meters<keyof typeof NODE_METRICS | keyof typeof PROCESS_METRICS>;

/** What watches the node; each is there only where somebody looks. */
export interface Observing {
  readonly meters?: NodeMeters | undefined;
  readonly tracing?: Tracing | undefined;
}

/** Whether anybody looks, so that following a console is worth an object. */
export function isWatched(observing: Observing | undefined): observing is Observing {
  return observing?.meters !== undefined || observing?.tracing !== undefined;
}

type Timed = "porthole_node_redemption_seconds" | "porthole_node_dial_seconds";

/** Does it, and measures how long it took, whether it went well or not. */
export async function timed<Result>(
  meters: NodeMeters | undefined,
  name: Timed,
  work: () => Promise<Result>,
): Promise<Result> {
  if (meters === undefined) return await work();
  const start = performance.now();
  try {
    const result = await work();
    meters.observe(name, secondsSince(start), { result: "ok" });
    return result;
  } catch (error) {
    meters.observe(name, secondsSince(start), { result: "failed" });
    throw error;
  }
}

export function codeOf(error: unknown): string {
  return toGatewayError(error).code;
}
