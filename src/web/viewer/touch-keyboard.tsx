import { useEffect, useRef } from "preact/hooks";
import type { ConsoleView } from "./console-view.ts";
import { MODIFIER_NAMES, SPECIAL_KEYS, type SpecialKey, sendChord } from "./keys.ts";
import { textDifference } from "./text-difference.ts";
import { words } from "./words.ts";

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

/** The telephone's own keyboard, typing into the machine, and beside it the keys that it lacks. */
export function TouchKeyboard({ view }: { readonly view: ConsoleView }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const before = useRef(FILLER);
  const { keys, screen } = view.session;
  const { touchKeyboard, keyStrip, specialKeys, modifiers } = words.value;

  // noVNC takes the keyboard with every tap; while this one is open it stays here.
  useEffect(() => {
    screen.value?.keepsFocus(false);
    field.current?.focus();
    return () => screen.value?.keepsFocus(true);
  }, [screen.value]);

  function refill(element: HTMLTextAreaElement) {
    element.value = FILLER;
    before.current = FILLER;
    element.setSelectionRange(FILLER.length, FILLER.length);
  }

  function typed(event: InputEvent & { readonly currentTarget: HTMLTextAreaElement }) {
    const element = event.currentTarget;
    const { erased, added } = textDifference(before.current, element.value);
    before.current = element.value;
    for (let count = 0; count < erased; count++) sendChord([SPECIAL_KEYS.backspace], keys.send);
    for (const character of added) keys.character(character);
    if (!event.isComposing && element.value.length !== FILLER.length) refill(element);
  }

  return (
    <>
      <textarea
        ref={field}
        class="touch-field"
        aria-label={touchKeyboard}
        autocomplete="off"
        autocapitalize="off"
        autocorrect="off"
        spellcheck={false}
        defaultValue={FILLER}
        onInput={typed}
        onCompositionEnd={(event) => refill(event.currentTarget)}
        onKeyDown={(event) => {
          const name = PASSED_ON[event.key];
          if (name === undefined) return;
          event.preventDefault();
          sendChord([SPECIAL_KEYS[name]], keys.send);
        }}
        onBlur={() => {
          view.touchKeyboard.value = false;
        }}
      />
      {/* A press must not take the keyboard away from the field. */}
      <div
        class="key-strip"
        role="toolbar"
        aria-label={keyStrip}
        onPointerDown={(event) => event.preventDefault()}
      >
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
      </div>
    </>
  );
}

const ARROWS: Partial<Readonly<Record<SpecialKey, string>>> = { left: "←", down: "↓", up: "↑", right: "→" };
