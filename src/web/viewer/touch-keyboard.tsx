import { useRef } from "preact/hooks";
import type { ConsoleKeys } from "./console-keys.ts";
import { MODIFIER_NAMES, SPECIAL_KEYS, type SpecialKey, sendChord } from "./keys.ts";
import { textDifference } from "./text-difference.ts";
import type { VncPage } from "./vnc-page.ts";
import { words } from "./words.ts";

const TOUCH_FIELD = "touch-field";
/** Always something to erase: a telephone tells of an erased character, not of a Backspace in an empty field. */
const FILLER = "\u2007".repeat(64);
const STRIP: readonly SpecialKey[] = ["escape", "tab", "left", "down", "up", "right", "delete"];
/** Keys that a field does not turn into text; a keyboard that is plugged in has them. */
const PASSED_ON: Readonly<Record<string, SpecialKey>> = {
  Escape: "escape",
  Tab: "tab",
  ArrowLeft: "left",
  ArrowDown: "down",
  ArrowUp: "up",
  ArrowRight: "right",
  Delete: "delete",
};

const ARROWS: Partial<Readonly<Record<SpecialKey, string>>> = { left: "←", down: "↓", up: "↑", right: "→" };

/**
 * The telephone's own keyboard, typing into the machine: a field that nobody sees. It is there all the time,
 * because some telephones show their keyboard only for a field that is focused in the very press of a button.
 */
export function TouchKeyboard({ page }: { readonly page: VncPage }) {
  const before = useRef(FILLER);
  const { view, vnc, touchKeyboard } = page;
  const { keys } = vnc;
  const { screen } = view.session;

  function refill(field: HTMLTextAreaElement) {
    field.value = FILLER;
    before.current = FILLER;
    field.setSelectionRange(FILLER.length, FILLER.length);
  }

  /** While this keyboard is open it stays here; otherwise noVNC takes the keyboard with every tap. */
  function open(field: HTMLTextAreaElement, on: boolean) {
    if (on) refill(field);
    touchKeyboard.value = on;
    screen.value?.keepsFocus(!on);
  }

  function typed(field: HTMLTextAreaElement, composing: boolean) {
    const { erased, added } = textDifference(before.current, field.value);
    before.current = field.value;
    for (let count = 0; count < erased; count++) sendChord([SPECIAL_KEYS.backspace], keys.send);
    for (const character of added) keys.character(character);
    if (!composing && field.value.length !== FILLER.length) refill(field);
  }

  return (
    <>
      <textarea
        id={TOUCH_FIELD}
        class="touch-field"
        tabIndex={-1}
        aria-label={words.value.touchKeyboard}
        autocomplete="off"
        autocapitalize="off"
        autocorrect="off"
        spellcheck={false}
        onFocus={(event) => open(event.currentTarget, true)}
        onBlur={(event) => open(event.currentTarget, false)}
        onInput={(event) => typed(event.currentTarget, event.isComposing)}
        onCompositionEnd={(event) => refill(event.currentTarget)}
        onKeyDown={(event) => {
          const name = PASSED_ON[event.key];
          if (name === undefined) return;
          event.preventDefault();
          sendChord([SPECIAL_KEYS[name]], keys.send);
        }}
      />
      {touchKeyboard.value && <KeyStrip keys={keys} />}
    </>
  );
}

export function touchScreen(): boolean {
  return matchMedia("(any-pointer: coarse)").matches;
}

/** Call it in the press of a button. */
export function toggleTouchKeyboard(): void {
  const field = document.getElementById(TOUCH_FIELD);
  if (document.activeElement === field) field?.blur();
  else field?.focus();
}

/** The keys that a telephone's keyboard lacks. */
function KeyStrip({ keys }: { readonly keys: ConsoleKeys }) {
  const { keyStrip, specialKeys, modifiers } = words.value;

  return (
    // A press must not take the keyboard away from the field.
    <section class="key-strip" aria-label={keyStrip} onPointerDown={(event) => event.preventDefault()}>
      {MODIFIER_NAMES.map((name) => (
        <button
          key={name}
          type="button"
          class="button"
          aria-pressed={keys.held.value.includes(name)}
          onClick={() => keys.toggle(name)}
        >
          {modifiers[name]}
        </button>
      ))}
      {STRIP.map((name) => (
        <button
          key={name}
          type="button"
          class="button"
          aria-label={specialKeys[name]}
          onClick={() => sendChord([SPECIAL_KEYS[name]], keys.send)}
        >
          {ARROWS[name] ?? specialKeys[name]}
        </button>
      ))}
    </section>
  );
}
