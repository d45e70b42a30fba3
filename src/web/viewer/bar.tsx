import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { ChevronIcon, EndIcon, EyeIcon, KeyboardIcon, Mark, PanIcon, StateShape } from "../ui/icons.tsx";
import { ClipboardMenu } from "./clipboard-menu.tsx";
import { ConnectionMenu } from "./connection-menu.tsx";
import type { Phase } from "./console-session.ts";
import type { ConsoleView } from "./console-view.ts";
import { KeysMenu } from "./keys-menu.tsx";
import { PowerMenu } from "./power-menu.tsx";
import { toggleTouchKeyboard, touchScreen } from "./touch-keyboard.tsx";
import { ViewMenu } from "./view-menu.tsx";
import { words } from "./words.ts";

/** The one bar at the top: what machine this is, and all that can be done. Over a live picture it folds away. */
export function Bar({ view }: { readonly view: ConsoleView }) {
  const { session, fold } = view;
  const shown = fold.shown.value;
  const live = session.phase.value.kind === "live";
  const mayType = live && session.rights.value?.input === true;
  const { bar, endSession, end } = words.value;
  const element = useRef<HTMLElement>(null);
  const called = view.callsBar.value;
  useLayoutEffect(() => {
    if (!shown || !called) return;
    view.callsBar.value = false;
    element.current?.querySelector("button")?.focus();
  }, [shown, called, view]);

  return (
    <section
      ref={element}
      class="bar"
      aria-label={bar}
      inert={!shown}
      onFocusIn={() => fold.focus(true)}
      onFocusOut={() => fold.focus(false)}
    >
      <Identity view={view} />
      <div class="tools">
        {mayType && <KeysMenu view={view} />}
        {mayType && <ClipboardMenu view={view} />}
        <ViewMenu view={view} />
        {live && session.clipping.value && <PanButton view={view} />}
        {mayType && touchScreen() && <TouchKeyboardButton view={view} />}
        {live && session.rights.value?.power === true && session.canPower.value && <PowerMenu view={view} />}
        {live && <ConnectionMenu view={view} />}
        {session.phase.value.kind !== "ended" && (
          <button
            type="button"
            class="button plain"
            aria-label={endSession}
            title={endSession}
            onClick={() => session.end()}
          >
            <EndIcon />
            <span class="face">{end}</span>
          </button>
        )}
      </div>
    </section>
  );
}

/** What remains of the folded bar. */
export function Handle({ view }: { readonly view: ConsoleView }) {
  const { showBar, live, viewOnly } = words.value;
  const hidden = view.fold.shown.value;
  const looksOnly = view.session.rights.value?.input === false;
  const says = looksOnly ? `${viewOnly}. ${showBar}` : showBar;
  const held = view.session.keys.held.value.map((name) => words.value.modifiers[name]).join("+");

  return (
    <button
      type="button"
      class="handle"
      hidden={hidden}
      aria-label={says}
      aria-keyshortcuts="Control+Alt+Shift+M"
      title={`${view.session.machine.value ?? live}. ${says}`}
      onClick={() => view.toBar()}
    >
      {held === "" ? <Mark size={12} /> : <span class="pill">{held}</span>}
      {looksOnly && <EyeIcon />}
      <ChevronIcon />
    </button>
  );
}

function Identity({ view }: { readonly view: ConsoleView }) {
  const { session } = view;
  const phase = session.phase.value;
  const { untitled, viewOnly } = words.value;
  const { shape, state, word } = stateOf(phase);
  const name = session.machine.value ?? untitled;

  return (
    <div class="identity">
      <Mark />
      <h1 title={name}>{name}</h1>
      <span class={`state ${state}`} title={word}>
        <StateShape shape={shape} />
        <span class="face">{word}</span>
      </span>
      {phase.kind === "live" && session.rights.value?.input === false && (
        <span class="badge">
          <EyeIcon />
          {viewOnly}
        </span>
      )}
    </div>
  );
}

function stateOf(phase: Phase) {
  const { connecting, live, ended } = words.value;
  switch (phase.kind) {
    case "connecting":
      return { shape: "half", state: "idle", word: connecting } as const;
    case "live":
      return { shape: "full", state: "good", word: live } as const;
    case "ended": {
      const well = phase.ending.kind === "closed";
      return { shape: well ? "empty" : "struck", state: well ? "idle" : "bad", word: ended } as const;
    }
    default:
      return phase satisfies never;
  }
}

function PanButton({ view }: { readonly view: ConsoleView }) {
  const { panning } = view.settings;
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

function TouchKeyboardButton({ view }: { readonly view: ConsoleView }) {
  const { touchKeyboard } = words.value;

  return (
    <button
      type="button"
      class="button plain"
      aria-label={touchKeyboard}
      title={touchKeyboard}
      aria-pressed={view.touchKeyboard.value}
      onPointerDown={(event) => event.preventDefault()}
      onClick={toggleTouchKeyboard}
    >
      <KeyboardIcon />
    </button>
  );
}
