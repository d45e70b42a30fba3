import { KeyIcon } from "../../ui/icons.tsx";
import { Menu } from "../../ui/menu.tsx";
import { words } from "../words.ts";
import type { SerialPage } from "./serial-page.ts";
import { FUNCTION_KEY_NUMBERS, functionKey, KEY_NAMES, keyText } from "./terminal-keys.ts";
import { serialWords } from "./words.ts";

const ID = "keys";

/** Keys that a browser or a telephone keeps or lacks, and the one signal that is no key. */
export function KeysMenu({ page }: { readonly page: SerialPage }) {
  const { view, serial } = page;
  const w = serialWords.value;
  const applicationCursor = serial.screen.value?.terminal.modes.applicationCursorKeysMode === true;

  return (
    <Menu
      id={ID}
      label={words.value.keys}
      face={
        <>
          <KeyIcon />
          <span class="face">{words.value.keys}</span>
        </>
      }
      width={320}
      onToggle={view.menuToggled}
    >
      <div class="key-grid wide">
        {KEY_NAMES.map((name) => (
          <KeyButton
            key={name}
            name={w.keyNames[name]}
            onPress={() => serial.type(keyText(name, applicationCursor))}
          />
        ))}
      </div>
      <h2>{w.functionKeys}</h2>
      <div class="key-grid">
        {FUNCTION_KEY_NUMBERS.map((number) => (
          <KeyButton key={number} name={`F${number}`} onPress={() => serial.type(functionKey(number))} />
        ))}
      </div>
      {serial.takes.value.takesBreak ? (
        <button
          type="button"
          class="button"
          popovertarget={ID}
          popovertargetaction="hide"
          onClick={() => {
            serial.sendBreak();
            view.announce(w.breakSent);
          }}
        >
          {w.sendBreak}
        </button>
      ) : (
        <p class="small soft">{w.noBreak}</p>
      )}
      <p class="small soft">{words.value.shortcut}</p>
    </Menu>
  );
}

/** Writes and stays open: arrows are pressed more than once. */
function KeyButton({ name, onPress }: { readonly name: string; readonly onPress: () => void }) {
  return (
    <button type="button" class="button" onClick={onPress}>
      {name}
    </button>
  );
}
