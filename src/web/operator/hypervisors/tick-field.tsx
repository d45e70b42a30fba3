import type { Signal } from "@preact/signals";
import { useId } from "preact/hooks";

interface TickFieldProps {
  readonly label: string;
  /** What it means; a click on it ticks the box as well. */
  readonly hint: string;
  readonly ticked: Signal<boolean>;
}

/** A box to tick. It is named by its label alone, and described by its hint. */
export function TickField({ label, hint, ticked }: TickFieldProps) {
  const id = useId();
  return (
    <label class="pick">
      <input
        type="checkbox"
        aria-labelledby={`${id}-label`}
        aria-describedby={`${id}-hint`}
        checked={ticked.value}
        onChange={(event) => {
          ticked.value = event.currentTarget.checked;
        }}
      />
      <span class="tick-text">
        <span id={`${id}-label`}>{label}</span>
        <span id={`${id}-hint`} class="small soft">
          {hint}
        </span>
      </span>
    </label>
  );
}
