import type { Machine, MachineState } from "#wire/api.ts";
import { type Shape, StateShape } from "../ui/icons.tsx";
import { words } from "./words.ts";

type ShownState = MachineState | "paused" | "unknown";

const SHAPES: Readonly<Record<ShownState, Shape>> = {
  running: "full",
  paused: "half",
  stopped: "empty",
  unknown: "half",
};

/**
 * A machine that is paused has its console; that nothing moves on it is told here. Of one that was registered by hand nobody says
 * whether it runs, unless somebody has said that it does not.
 */
function shownState({ state, power }: Machine): ShownState {
  if (power === "paused" || power === "unknown") return power;
  return power === undefined && state === "running" ? "unknown" : state;
}

/** Its hypervisor is not heard of: that was so, and may be so no more. */
function isOld({ hypervisorState, power }: Machine): boolean {
  return hypervisorState === "down" && power !== "unknown";
}

/** Whether a machine runs, as far as control knows. */
export function stateWord(machine: Machine): string {
  const { machineStates, lastHeard } = words.value;
  const word = machineStates[shownState(machine)];
  return isOld(machine) ? `${word}, ${lastHeard}` : word;
}

/** The same with a shape; green is only what is known to run now. */
export function MachineStateMark({ machine }: { readonly machine: Machine }) {
  const state = shownState(machine);
  const isGood = state === "running" && !isOld(machine);
  const { byHand, unheard, machineStates, lastHeard } = words.value;
  const why = isOld(machine)
    ? unheard
    : state === "unknown" && machine.power === undefined
      ? byHand
      : undefined;

  return (
    <>
      <span class={`state ${isGood ? "good" : "idle"}`} title={why}>
        <StateShape shape={isOld(machine) && state === "running" ? "half" : SHAPES[state]} />
        {machineStates[state]}
      </span>
      {isOld(machine) && <span class="small soft last-heard">{lastHeard}</span>}
    </>
  );
}
