import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { ChevronIcon, EndIcon, EyeIcon, Mark, StateShape } from "../ui/icons.tsx";
import { ConnectionMenu, type Fact } from "./connection-menu.tsx";
import type { Phase } from "./console-session.ts";
import type { ConsoleView } from "./console-view.ts";
import { PowerMenu } from "./power-menu.tsx";
import { words } from "./words.ts";

export interface BarProps {
  readonly view: ConsoleView;
  /** What can be done with a console of this protocol. */
  readonly children: ComponentChildren;
  /** What can be said of one, each time that somebody asks. */
  readonly facts: () => readonly Fact[];
}

/** The one bar at the top: what machine this is, and all that can be done. Over a live console it folds away. */
export function Bar({ view, children, facts }: BarProps) {
  const { session, fold } = view;
  const shown = fold.shown.value;
  const live = session.phase.value.kind === "live";
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
        {children}
        {live && session.rights.value?.power === true && session.takesOrders.value && (
          <PowerMenu view={view} />
        )}
        {live && <ConnectionMenu view={view} facts={facts} />}
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

interface HandleProps {
  readonly view: ConsoleView;
  /** What is to be seen there while it lasts, such as keys that are held down. */
  readonly held: string;
}

/** What remains of the folded bar. */
export function Handle({ view, held }: HandleProps) {
  const { showBar, live, viewOnly } = words.value;
  const hidden = view.fold.shown.value;
  const looksOnly = view.session.rights.value?.input === false;
  const says = looksOnly ? `${viewOnly}. ${showBar}` : showBar;

  return (
    <button
      type="button"
      class={looksOnly ? "handle told" : "handle"}
      hidden={hidden}
      aria-label={says}
      aria-keyshortcuts="Control+Alt+Shift+M"
      title={`${view.session.machine.value ?? live}. ${says}`}
      onClick={() => view.toBar()}
    >
      {held === "" ? <Mark size={12} /> : <span class="pill">{held}</span>}
      {looksOnly && (
        <>
          <EyeIcon />
          <span class="small">{viewOnly}</span>
        </>
      )}
      <ChevronIcon />
    </button>
  );
}

function Identity({ view }: { readonly view: ConsoleView }) {
  const { session } = view;
  const phase = session.phase.value;
  const { untitled, viewOnly } = words.value;
  const { shape, state, word } = stateOf(phase, session.closing.value !== undefined);
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

function stateOf(phase: Phase, isClosing: boolean) {
  const { connecting, live, closing, ended } = words.value;
  switch (phase.kind) {
    case "connecting":
      return { shape: "half", state: "idle", word: connecting } as const;
    case "live":
      if (isClosing) return { shape: "half", state: "idle", word: closing } as const;
      return { shape: "full", state: "good", word: live } as const;
    case "ended": {
      const well = phase.ending.kind === "closed";
      return { shape: well ? "empty" : "struck", state: well ? "idle" : "bad", word: ended } as const;
    }
    default:
      return phase satisfies never;
  }
}
