import "../ui/tokens.css";
import "../ui/base.css";
import "../ui/panel.css";
import "./viewer.css";
import "./bar.css";
import "./panels.css";
import { render } from "preact";
import { takeFragment } from "../ui/fragment.ts";
import { startLanguage } from "../ui/language.ts";
import { startTheme } from "../ui/theme.ts";
import { passOf } from "./addresses.ts";
import { App } from "./app.tsx";
import { ConsoleSession } from "./console-session.ts";
import { ConsoleView } from "./console-view.ts";
import { TabMemory, type TabStorage } from "./tab-memory.ts";
import { ViewSettings } from "./view-settings.ts";

const fragment = takeFragment();
startLanguage();
startTheme();

const host = document.createElement("div");
host.className = "novnc";
const page = new URL(location.href);
const session = new ConsoleSession(page, { host, memory: new TabMemory(tabStorage(), page.pathname) });
const view = new ConsoleView(session, new ViewSettings(session));
session.start(fragment);
// Another link to the same page, put into the same tab, changes what stands behind the "#" and nothing else.
window.addEventListener("hashchange", () => {
  if (passOf(new URLSearchParams(location.hash.slice(1))) !== undefined) location.reload();
  else history.replaceState(null, "", location.pathname + location.search);
});
render(<App view={view} host={host} />, document.body);

/** Browsers that keep nothing throw at the mere question. */
function tabStorage(): TabStorage | undefined {
  try {
    return sessionStorage;
  } catch {
    return undefined;
  }
}
