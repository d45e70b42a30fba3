import { takeFragment } from "../ui/fragment.ts";
import { startLanguage } from "../ui/language.ts";
import { startTheme } from "../ui/theme.ts";
import { passOf } from "./addresses.ts";
import type { ConsoleSession } from "./console-session.ts";
import { TabMemory, type TabStorage } from "./tab-memory.ts";

interface OpenedPage {
  readonly page: URL;
  readonly memory: TabMemory;
  /** Opens the console that the page's address was for. */
  readonly start: (session: ConsoleSession) => void;
}

/** What the page of any console does first. */
export function openPage(): OpenedPage {
  const fragment = takeFragment();
  startLanguage();
  startTheme();
  // Another link to the same page, put into the same tab, changes what stands behind the "#" and nothing else.
  window.addEventListener("hashchange", () => {
    if (passOf(new URLSearchParams(location.hash.slice(1))) !== undefined) location.reload();
    else history.replaceState(null, "", location.pathname + location.search);
  });
  const page = new URL(location.href);
  return {
    page,
    memory: new TabMemory(tabStorage(), page.pathname),
    start: (session) => session.start(fragment),
  };
}

/** Browsers that keep nothing throw at the mere question. */
function tabStorage(): TabStorage | undefined {
  try {
    return sessionStorage;
  } catch {
    return undefined;
  }
}
