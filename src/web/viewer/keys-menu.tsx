import { KeyIcon } from "../ui/icons.tsx";
import { Menu } from "../ui/menu.tsx";
import { CHORDS, type Chord, type ChordName, consoleChord, MODIFIER_NAMES } from "./keys.ts";
import type { VncPage } from "./vnc-page.ts";
import { words } from "./words.ts";

const ID = "keys";
const CHORD_NAMES = Object.keys(CHORDS) as readonly ChordName[];
const FUNCTION_KEYS = Array.from({ length: 12 }, (_, index) => index + 1);

/** Keys that a browser or its system would keep for itself. */
export function KeysMenu({ page }: { readonly page: VncPage }) {
  const { view, vnc } = page;
  const { keys } = vnc;
  const { keys: label, chords, consoleChords, holdDown, modifiers, held, releaseAll, shortcut } = words.value;
  const down = keys.held.value;

  return (
    <Menu
      id={ID}
      label={down.length === 0 ? label : `${label}. ${held(down.map((name) => modifiers[name]).join(", "))}`}
      face={
        <>
          <KeyIcon />
          <span class="face">{label}</span>
          {down.length > 0 && <span class="pill">{down.map((name) => modifiers[name]).join("+")}</span>}
        </>
      }
      width={320}
      onToggle={view.menuToggled}
    >
      <div class="key-grid wide">
        {CHORD_NAMES.map((name) => (
          <ChordButton key={name} page={page} chord={CHORDS[name]} name={chords[name]} />
        ))}
      </div>
      <h2>{consoleChords}</h2>
      <div class="key-grid">
        {FUNCTION_KEYS.map((number) => (
          <ChordButton key={number} page={page} chord={consoleChord(number)} name={`F${number}`} />
        ))}
      </div>
      <h2>{holdDown}</h2>
      <div class="key-grid wide">
        {MODIFIER_NAMES.map((name) => (
          <button
            key={name}
            type="button"
            class="button"
            aria-pressed={down.includes(name)}
            onClick={() => keys.toggle(name)}
          >
            {modifiers[name]}
          </button>
        ))}
      </div>
      <button type="button" class="button" onClick={() => keys.releaseAll()}>
        {releaseAll}
      </button>
      <p class="small soft">{shortcut}</p>
    </Menu>
  );
}

interface ChordButtonProps {
  readonly page: VncPage;
  readonly chord: Chord;
  readonly name: string;
}

/** Sends its keys and closes the menu, so that what they do can be seen. */
function ChordButton({ page, chord, name }: ChordButtonProps) {
  return (
    <button
      type="button"
      class="button"
      popovertarget={ID}
      popovertargetaction="hide"
      onClick={() => page.vnc.keys.chord(chord)}
    >
      {name}
    </button>
  );
}
