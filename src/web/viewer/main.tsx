import "../ui/tokens.css";
import "../ui/base.css";
import "../ui/panel.css";
import "./viewer.css";
import "./bar.css";
import "./panels.css";
import { signal } from "@preact/signals";
import { render } from "preact";
import { App } from "./app.tsx";
import { ConsoleView } from "./console-view.ts";
import { openPage } from "./open-page.ts";
import { ViewSettings } from "./view-settings.ts";
import { VncConsole } from "./vnc-console.ts";

const host = document.createElement("div");
host.className = "novnc";

const { page, memory, start } = openPage();
const vnc = new VncConsole(page, { host, memory });
const settings = new ViewSettings(vnc);
const view = new ConsoleView(vnc.session, settings.pinned);
start(vnc.session);
render(<App page={{ view, vnc, settings, touchKeyboard: signal(false) }} host={host} />, document.body);
