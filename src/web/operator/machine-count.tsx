import { number, words } from "./words.ts";

/** How many there are, and how many of them a filter leaves; said when it changes. */
export function MachineCount({ shown, all }: { readonly shown: number; readonly all: number }) {
  const w = words.value;
  const whole = all === 1 ? w.oneMachine : w.countMachines(number(all));
  return (
    <p class="soft" role="status">
      {shown === all ? whole : w.shownOf(number(shown), whole)}
    </p>
  );
}
