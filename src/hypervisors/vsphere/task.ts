import { setTimeout as delay } from "node:timers/promises";
import type { VsphereClient } from "./client.ts";
import { ofObject, retrieve } from "./properties.ts";
import { type Reference, VsphereFault } from "./soap.ts";
import { child, textOf, typeOf } from "./xml.ts";

const limits = {
  /** From one look at a task to the next. */
  lookMs: 250,
} as const;

/** Resolves once the task is done, or that time is over. Throws why it has failed. */
export async function taskDone(
  client: VsphereClient,
  task: Reference,
  { signal, waitMs = Number.POSITIVE_INFINITY }: { readonly signal: AbortSignal; readonly waitMs?: number },
): Promise<void> {
  const until = performance.now() + waitMs;
  do {
    const [properties] = await retrieve(client, ofObject(task, ["info.state", "info.error"]), signal);
    const state = properties?.values.get("info.state")?.text.trim();
    if (state === "error") {
      const error = properties?.values.get("info.error");
      const fault = error === undefined ? undefined : child(error, "fault");
      const said = error === undefined ? undefined : textOf(error, "localizedMessage");
      throw new VsphereFault((fault === undefined ? undefined : typeOf(fault)) ?? "fault", said ?? "");
    }
    if (state !== "queued" && state !== "running") return;
    await delay(limits.lookMs, undefined, { signal });
  } while (performance.now() < until);
}
