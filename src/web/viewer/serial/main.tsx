import "../../ui/tokens.css";
import "../../ui/base.css";
import "../../ui/panel.css";
import "../viewer.css";
import "../bar.css";
import "../panels.css";
import "@xterm/xterm/css/xterm.css";
import "./serial.css";
import { signal } from "@preact/signals";
import { render } from "preact";
import { ConsoleView } from "../console-view.ts";
import { openPage } from "../open-page.ts";
import { SerialApp } from "./serial-app.tsx";
import { SerialConsole } from "./serial-console.ts";
import { dressTerminal } from "./terminal-dress.ts";
import { TerminalSettings } from "./terminal-settings.ts";
import { defineTerminalStyle } from "./terminal-style.ts";

defineTerminalStyle();
const host = document.createElement("div");
host.className = "terminal-host";

const { page, memory, start } = openPage();
const settings = new TerminalSettings();
const serial = new SerialConsole(page, { host, memory, settings });
const view = new ConsoleView(serial.session, settings.pinned);
dressTerminal(serial);
start(serial.session);
render(<SerialApp page={{ view, serial, finding: signal(false) }} host={host} />, document.body);
