import { useSignalEffect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { errorText } from "../ui/error-texts.ts";
import { language } from "../ui/language.ts";
import { Bar, type BarProps, Handle } from "./bar.tsx";
import { ClosingStrip, closingText } from "./closing-strip.tsx";
import type { ConsoleView } from "./console-view.ts";
import { EndingCard } from "./ending-card.tsx";
import { NoticeStrip, noticeText } from "./notice-strip.tsx";
import { Place } from "./place.tsx";
import { Progress } from "./progress.tsx";
import type { Scale } from "./screen.ts";
import { windowTitle } from "./window-title.ts";
import { words } from "./words.ts";

interface ConsolePageProps {
  readonly view: ConsoleView;
  /** Where the console's surface puts itself. */
  readonly host: HTMLElement;
  /** Of a picture. */
  readonly scale?: Scale;
  /** For the bar. */
  readonly tools: ComponentChildren;
  readonly facts: BarProps["facts"];
  /** For the bar's handle. */
  readonly held?: string;
  /** What lies over the console. */
  readonly children: ComponentChildren;
}

/** The page of any console: what shows it, and whatever lies over that. */
export function ConsolePage({ view, host, scale, tools, facts, held = "", children }: ConsolePageProps) {
  const { session } = view;
  const phase = session.phase.value;
  const frame = session.lastFrame.value;
  useNames(view);
  useAnnouncements(view);
  useKeyboard(view);
  usePointer(view);
  useSeenHeight();

  return (
    <div class="viewer" data-phase={phase.kind} data-pinned={view.pinned.value}>
      <Bar view={view} facts={facts}>
        {tools}
      </Bar>
      <Handle view={view} held={held} />
      <main class="stage" data-scale={scale}>
        <Place class="screen">{host}</Place>
        {frame !== undefined && (
          <Place class="last-frame" scale={scale} label={words.value.lastPicture}>
            {frame}
          </Place>
        )}
        {phase.kind === "connecting" && (
          <Progress step={phase.step} last={scale === undefined ? "attaching" : "picture"} />
        )}
        {phase.kind === "ended" && <EndingCard ending={phase.ending} session={session} />}
      </main>
      <NoticeStrip view={view} />
      <ClosingStrip session={session} />
      {children}
      <div role="status" class="visually-hidden">
        {view.announcement.value}
      </div>
    </div>
  );
}

/** The machine's name in the window's title, and on its screen for those who hear it. A title says how it ended, too. */
function useNames({ session }: ConsoleView): void {
  useSignalEffect(() => {
    const { untitled } = words.value;
    const phase = session.phase.value;
    const meaning = phase.kind === "ended" ? errorText(phase.ending.code, language.value).meaning : undefined;
    document.title = windowTitle({ machine: session.machine.value, meaning, untitled });
  });
  useSignalEffect(() => {
    const { screenOf, screenOfViewOnly, untitled } = words.value;
    const name = session.machine.value ?? untitled;
    session.screen.value?.label(
      session.rights.value?.input === false ? screenOfViewOnly(name) : screenOf(name),
    );
  });
}

/** Every change of state is said once, in one place. */
function useAnnouncements(view: ConsoleView): void {
  const { session } = view;
  useSignalEffect(() => {
    const phase = session.phase.value;
    const name = session.machine.peek() ?? words.value.untitled;
    if (phase.kind === "connecting") view.announce(words.value.steps[phase.step]);
    if (phase.kind === "live") {
      const { nowLive, nowLiveViewOnly } = words.value;
      view.announce((session.rights.peek()?.input === false ? nowLiveViewOnly : nowLive)(name));
    }
    // An ending takes the keyboard, and is read out with that.
    if (phase.kind === "ended") view.announce("");
  });
  useSignalEffect(() => {
    const notice = session.notice.value;
    if (notice !== undefined) view.announce(noticeText(notice));
  });
  useSignalEffect(() => {
    const closing = session.closing.value;
    if (closing !== undefined) view.announce(closingText(closing));
  });
}

/** The way out of the picture for the keyboard, and the machine's keys let go when the window loses it. */
function useKeyboard(view: ConsoleView): void {
  const { session, fold } = view;
  useSignalEffect(() => {
    // Whoever has opened a menu meanwhile keeps the keyboard, and gives it to the machine by closing that.
    if (session.phase.value.kind === "live" && view.openMenus.peek() === 0) view.backToScreen();
  });
  useEffect(() => {
    const listening = new AbortController();
    const { signal } = listening;
    const inBar = () => document.activeElement?.closest(".bar") != null;
    const pressed = (event: KeyboardEvent) => {
      const isShortcut = event.code === "KeyM" && event.ctrlKey && event.altKey && event.shiftKey;
      const leaves = event.key === "Escape" && inBar() && view.openMenus.value === 0;
      if (!isShortcut && !leaves) return;
      event.preventDefault();
      event.stopPropagation();
      session.screen.value?.releaseKeys();
      if (leaves || inBar()) {
        view.backToScreen();
        fold.set(false);
        return;
      }
      view.toBar();
    };
    document.addEventListener("keydown", pressed, { capture: true, signal });
    // Only the browser's own: ours are how noVNC is told to let go of its keys.
    window.addEventListener("blur", (event) => event.isTrusted && session.leave(), { signal });
    window.addEventListener("pagehide", () => session.leave(), { signal });
    window.addEventListener("beforeunload", () => session.leave(), { signal });
    return () => listening.abort();
  }, [view, session, fold]);
}

/** Where a telephone lays its keyboard over the page, the page ends above it. */
function useSeenHeight(): void {
  useEffect(() => {
    const listening = new AbortController();
    const seen = () => {
      const { height, scale } = window.visualViewport ?? { height: 0, scale: 0 };
      // While somebody has zoomed in, what is seen is a part, and no reason to lay out anew.
      if (scale === 1) document.documentElement.style.setProperty("--seen-height", `${height}px`);
    };
    window.visualViewport?.addEventListener("resize", seen, { signal: listening.signal });
    return () => listening.abort();
  }, []);
}

const EDGE_PX = 2;

/** The bar folds for a pointer in the picture, and comes back at the edge. */
function usePointer({ fold }: ConsoleView): void {
  useEffect(() => {
    const listening = new AbortController();
    const options = { capture: true, passive: true, signal: listening.signal };
    const overBar = (event: PointerEvent) =>
      event.target instanceof Element && event.target.closest(".bar, .handle, [popover]") !== null;
    const moved = (event: PointerEvent) => {
      if (event.pointerType === "touch") return;
      if (overBar(event)) fold.pointer("bar");
      else fold.pointer(event.clientY < EDGE_PX ? "edge" : "picture");
    };
    const pressed = (event: PointerEvent) => {
      if (event.pointerType === "touch" && !overBar(event)) fold.set(false);
    };
    window.addEventListener("pointermove", moved, options);
    window.addEventListener("pointerdown", pressed, options);
    return () => listening.abort();
  }, [fold]);
}
