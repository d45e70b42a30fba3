import { setTimeout as delay } from "node:timers/promises";
import type { PowerAction } from "../driver.ts";
import { eventsFrom } from "./events.ts";
import { XapiError } from "./json-rpc.ts";
import { read, type Vm } from "./records.ts";
import type { XapiClient } from "./xapi-client.ts";

const limits = {
  /** What is wrong with an order XAPI finds out within moments; what takes longer is being done. */
  refusedMs: 4_000,
  /** In seconds, with a fraction: see events.ts. */
  waitSeconds: 2.1,
  pauseMs: 50,
} as const;

/** Gives the order, and waits until it is done, refused, or on its way. Throws what XAPI has against it. */
export async function orderPower(
  client: XapiClient,
  { ref, vm, action }: { readonly ref: string; readonly vm: Vm; readonly action: PowerAction },
  signal: AbortSignal,
): Promise<void> {
  const [method, ...params] = orderOf(action, vm);
  const task = read.ref(await client.call(`Async.VM.${method}`, [ref, ...params], { signal }));
  const outcome = await outcomeOf(client, task, signal);
  // It is XAPI's to clean up otherwise, which it does in a day.
  if (outcome !== undefined) await client.call("task.destroy", [task], { signal }).catch(() => {});
  if (outcome instanceof XapiError) throw outcome;
}

function orderOf(action: PowerAction, { power_state: state }: Vm): readonly [string, ...unknown[]] {
  switch (action) {
    case "start":
      if (state === "Paused") return ["unpause"];
      // Not paused, and only where it can be.
      return state === "Suspended" ? ["resume", false, false] : ["start", false, false];
    case "stop":
      return ["clean_shutdown"];
    case "cut":
      return ["hard_shutdown"];
    case "restart":
      return ["clean_reboot"];
    case "reset":
      return ["hard_reboot"];
    default:
      return action satisfies never;
  }
}

/** Undefined where it is not over yet, or nobody knows of it any more. */
async function outcomeOf(
  client: XapiClient,
  task: string,
  signal: AbortSignal,
): Promise<"done" | XapiError | undefined> {
  const late = performance.now() + limits.refusedMs;
  let token = "";
  while (performance.now() < late) {
    const asked = { classes: [`task/${task}`], token, waitSeconds: limits.waitSeconds, signal };
    const next = await eventsFrom(client, asked);
    token = next.token;
    for (const { operation, ref, snapshot } of next.events) {
      if (ref !== task) continue;
      if (operation === "del") return undefined;
      const { status, error_info: problem } = read.task(snapshot);
      if (status === "success") return "done";
      if (status === "failure" || status === "cancelled") return refused(problem);
    }
    await delay(limits.pauseMs, undefined, { signal });
  }
  return undefined;
}

function refused([code = "TASK_CANCELLED", ...data]: readonly string[]): XapiError {
  return new XapiError(/^[A-Z][A-Z0-9_.]{0,127}$/.test(code) ? code : "INTERNAL_ERROR", data);
}
