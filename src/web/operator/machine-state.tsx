import type { Machine } from "#wire/api.ts";
import { isAsLastHeard, type ShownState, shownState } from "#wire/machine-state.ts";
import { type Shape, StateShape } from "../ui/icons.tsx";
import { words } from "./words.ts";

const SHAPES: Readonly<Record<ShownState, Shape>> = {
  running: "full",
  paused: "half",
  stopped: "empty",
  unknown: "half",
};

/** Whether a machine runs, as far as control knows. */
export function stateWord(machine: Machine): string {
  const { machineStates, lastHeard } = words.value;
  const word = machineStates[shownState(machine)];
  return isAsLastHeard(machine) ? `${word}, ${lastHeard}` : word;
}

/** The same with a shape; green is only what is known to run now. */
export function MachineStateMark({ machine }: { readonly machine: Machine }) {
  const state = shownState(machine);
  const isGood = state === "running" && !isAsLastHeard(machine);
  const { byHand, unheard, machineStates, lastHeard } = words.value;
  const why = isAsLastHeard(machine)
    ? unheard
    : state === "unknown" && machine.power === undefined
      ? byHand
      : undefined;

  return (
    <>
      <span class={`state ${isGood ? "good" : "idle"}`} title={why}>
        <StateShape shape={isAsLastHeard(machine) && state === "running" ? "half" : SHAPES[state]} />
        {machineStates[state]}
      </span>
      {isAsLastHeard(machine) && <span class="small soft last-heard">{lastHeard}</span>}
    </>
  );
}
