import { useEffect } from "preact/hooks";
import { KeyboardIcon, PanIcon } from "../ui/icons.tsx";
import { ClipboardMenu } from "./clipboard-menu.tsx";
import { KeysMenu } from "./keys-menu.tsx";
import { PowerMenu } from "./power-menu.tsx";
import { toggleTouchKeyboard, touchScreen } from "./touch-keyboard.tsx";
import { ViewMenu } from "./view-menu.tsx";
import type { VncPage } from "./vnc-page.ts";
import { words } from "./words.ts";

/** What the bar has for a console with a picture. */
export function VncTools({ page }: { readonly page: VncPage }) {
  const { session } = page.view;
  const live = session.phase.value.kind === "live";
  const rights = session.rights.value;
  const mayType = live && rights?.input === true;
  const mayPower = live && rights?.power === true && page.vnc.canPower.value;

  return (
    <>
      {mayType && <KeysMenu page={page} />}
      {mayType && <ClipboardMenu page={page} />}
      <ViewMenu page={page} />
      {live && page.vnc.clipping.value && <PanButton page={page} />}
      {mayType && touchScreen() && <TouchKeyboardButton page={page} />}
      {mayPower && !session.takesOrders.value && (
        <PowerMenu view={page.view} tell={(command) => page.view.session.screen.value?.power(command)} />
      )}
    </>
  );
}

function PanButton({ page: { settings } }: { readonly page: VncPage }) {
  const { panning } = settings;
  // It only means something while a part of the picture is hidden.
  useEffect(
    () => () => {
      panning.value = false;
    },
    [panning],
  );
  const { pan } = words.value;

  return (
    <button
      type="button"
      class="button plain"
      aria-label={pan}
      title={pan}
      aria-pressed={panning.value}
      onClick={() => {
        panning.value = !panning.value;
      }}
    >
      <PanIcon />
    </button>
  );
}

function TouchKeyboardButton({ page }: { readonly page: VncPage }) {
  const { touchKeyboard } = words.value;

  return (
    <button
      type="button"
      class="button plain"
      aria-label={touchKeyboard}
      title={touchKeyboard}
      aria-pressed={page.touchKeyboard.value}
      onPointerDown={(event) => event.preventDefault()}
      onClick={toggleTouchKeyboard}
    >
      <KeyboardIcon />
    </button>
  );
}
