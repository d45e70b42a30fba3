import type { Machine, MachineState } from "./api.ts";

/** What is told of a machine: a paused one has its console, and that nothing moves on it is told here. */
export type ShownState = MachineState | "paused" | "unknown";

type Told = Pick<Machine, "state" | "power" | "hypervisorState">;

/** Of one that was registered by hand nobody says whether it runs, unless somebody has said that it does not. */
export function shownState({ state, power }: Told): ShownState {
  if (power === "paused" || power === "unknown") return power;
  return power === undefined && state === "running" ? "unknown" : state;
}

/** Its hypervisor is not heard of: that was so, and may be so no more. */
export function isAsLastHeard({ hypervisorState, power }: Told): boolean {
  return hypervisorState === "down" && power !== "unknown";
}
