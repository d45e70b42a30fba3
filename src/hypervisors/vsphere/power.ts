import type { PowerAction } from "../driver.ts";
import type { VsphereClient } from "./client.ts";
import { requireReference } from "./properties.ts";
import type { Reference } from "./soap.ts";
import { taskDone } from "./task.ts";
import { child } from "./xml.ts";

const limits = {
  /** A task that still waits for its turn by then was taken all the same. */
  takenMs: 5_000,
} as const;

/** What is done by a task, and what asks the guest's tools, which answer at once. */
const METHODS: Readonly<Record<PowerAction, { readonly method: string; readonly isTask: boolean }>> = {
  start: { method: "PowerOnVM_Task", isTask: true },
  stop: { method: "ShutdownGuest", isTask: false },
  cut: { method: "PowerOffVM_Task", isTask: true },
  restart: { method: "RebootGuest", isTask: false },
  reset: { method: "ResetVM_Task", isTask: true },
};

/** Throws what the platform says against it, at once or in its task. */
export async function orderPower(
  client: VsphereClient,
  {
    machine,
    action,
    signal,
  }: { readonly machine: Reference; readonly action: PowerAction; readonly signal: AbortSignal },
): Promise<void> {
  const { method, isTask } = METHODS[action];
  const answer = await client.ask({ method, target: machine }, signal);
  if (isTask)
    await taskDone(client, requireReference(child(answer, "returnval")), { signal, waitMs: limits.takenMs });
}
