import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { ChevronIcon, EndIcon, SearchIcon } from "../../ui/icons.tsx";
import { number } from "../words.ts";
import { TerminalSearch } from "./search.ts";
import type { SerialPage } from "./serial-page.ts";
import type { TerminalScreen } from "./terminal-screen.ts";
import { serialWords } from "./words.ts";

/** Opens and closes the search. */
export function FindButton({ page: { finding, serial } }: { readonly page: SerialPage }) {
  const { find } = serialWords.value;
  if (serial.screen.value === undefined) return null;

  return (
    <button
      type="button"
      class="button plain"
      aria-label={find}
      title={`${find} (Ctrl+Shift+F)`}
      aria-keyshortcuts="Control+Shift+F"
      aria-pressed={finding.value}
      onClick={() => {
        finding.value = !finding.value;
      }}
    >
      <SearchIcon />
      <span class="face">{find}</span>
    </button>
  );
}

export function FindStrip({ page }: { readonly page: SerialPage }) {
  const screen = page.serial.screen.value;
  return page.finding.value && screen !== undefined ? <Find page={page} screen={screen} /> : null;
}

/** Looks through all that the terminal still has. */
function Find({ page, screen }: { readonly page: SerialPage; readonly screen: TerminalScreen }) {
  const field = useRef<HTMLInputElement>(null);
  const text = useSignal("");
  const search = useMemo(() => new TerminalSearch(screen.terminal), [screen]);
  const w = serialWords.value;
  useEffect(() => {
    field.current?.focus();
    return () => search.clear();
  }, [search]);
  const outcome = useComputed(() => {
    const found = search.found.value;
    const { found: nth, foundMany, foundNone } = serialWords.value;
    if (found === undefined) return "";
    if (found.count === 0) return foundNone;
    return found.index === 0 ? foundMany(number(found.count)) : nth(number(found.index), number(found.count));
  });

  function close() {
    page.finding.value = false;
    page.view.backToScreen();
  }

  return (
    <search
      class="strip find"
      onKeyDown={(event) => {
        if (event.key === "Escape") close();
      }}
    >
      <input
        ref={field}
        class="field"
        type="search"
        aria-label={w.findPlaceholder}
        placeholder={w.findPlaceholder}
        autocomplete="off"
        spellcheck={false}
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          void search.find(text.value, "next", { incremental: true });
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") void search.find(text.value, event.shiftKey ? "previous" : "next");
        }}
      />
      <span role="status" class="small soft outcome">
        {outcome.value}
      </span>
      <button
        type="button"
        class="button plain"
        aria-label={w.findPrevious}
        title={w.findPrevious}
        onClick={() => void search.find(text.value, "previous")}
      >
        <ChevronIcon up />
      </button>
      <button
        type="button"
        class="button plain"
        aria-label={w.findNext}
        title={w.findNext}
        onClick={() => void search.find(text.value, "next")}
      >
        <ChevronIcon />
      </button>
      <button type="button" class="button plain" aria-label={w.findClose} title={w.findClose} onClick={close}>
        <EndIcon />
      </button>
    </search>
  );
}
