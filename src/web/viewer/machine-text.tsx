import type { Signal } from "@preact/signals";
import { words } from "./words.ts";

interface MachineTextProps {
  readonly text: Signal<string>;
  /** Somebody changed it. */
  readonly onChange?: () => void;
}

/** Where a text for the machine is written or pasted. */
export function MachineText({ text, onChange }: MachineTextProps) {
  const { toMachine, toMachinePlaceholder } = words.value;

  return (
    <label class="stack">
      <h2>{toMachine}</h2>
      <textarea
        class="field mono"
        rows={3}
        placeholder={toMachinePlaceholder}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          onChange?.();
        }}
      />
    </label>
  );
}

interface TakeButtonProps {
  readonly text: Signal<string>;
  /** Whether the browser gave its clipboard away. */
  readonly onTried: (given: boolean) => void;
}

/** Takes the text out of this computer's clipboard, where browsers let pages do that. */
export function TakeButton({ text, onTried }: TakeButtonProps) {
  if (!("clipboard" in navigator)) return null;

  async function take() {
    try {
      text.value = await navigator.clipboard.readText();
      onTried(true);
    } catch {
      onTried(false);
    }
  }

  return (
    <button type="button" class="button" onClick={() => void take()}>
      {words.value.takeFromHere}
    </button>
  );
}
