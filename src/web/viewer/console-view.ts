import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { BarFold } from "./bar-fold.ts";
import type { ConsoleSession } from "./console-session.ts";
import type { Surface } from "./surface.ts";

/** What the parts of the page share: the session, whether the bar stays, and what they say to one another. */
export class ConsoleView<Shown extends Surface = Surface> {
  readonly session: ConsoleSession<Shown>;
  /** The bar keeps its place above the console instead of folding away over it. */
  readonly pinned: ReadonlySignal<boolean>;
  readonly fold: BarFold;
  readonly openMenus = signal(0);
  /** The last thing that screen readers are told. */
  readonly announcement = signal("");
  /** The keyboard is to go to the bar, as soon as it can take it. */
  readonly callsBar = signal(false);

  constructor(session: ConsoleSession<Shown>, pinned: ReadonlySignal<boolean>) {
    this.session = session;
    this.pinned = pinned;
    this.fold = new BarFold({
      // A connection that falters is not to be looked for behind a handle.
      mayFold: computed(
        () => session.phase.value.kind === "live" && session.health.value.word !== "silent" && !pinned.value,
      ),
      menusOpen: this.openMenus,
    });
  }

  announce(text: string): void {
    this.announcement.value = text;
  }

  toBar(): void {
    this.fold.set(true);
    this.callsBar.value = true;
  }

  /** Gives the keyboard to the machine again. */
  backToScreen(): void {
    this.session.screen.value?.focus();
  }

  /** For every menu of the bar. When the last one closes, the keyboard goes back where people expect it. */
  readonly menuToggled = (open: boolean) => {
    // Peeked at: one that is taken off the page says so while the page is drawn, which is not to follow the count.
    this.openMenus.value = this.openMenus.peek() + (open ? 1 : -1);
    if (open || this.openMenus.peek() > 0) return;
    const { activeElement } = document;
    const nowhereElse = activeElement === document.body || activeElement?.closest(".bar") != null;
    if (nowhereElse) this.backToScreen();
  };
}
