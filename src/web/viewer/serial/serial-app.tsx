import { useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { copyText } from "../../ui/copy.ts";
import { ConsolePage } from "../console-page.tsx";
import { words } from "../words.ts";
import { FindButton, FindStrip } from "./find-strip.tsx";
import { KeysMenu } from "./keys-menu.tsx";
import { LineMenu } from "./line-menu.tsx";
import { PasteMenu } from "./paste-menu.tsx";
import { SerialDialogs } from "./serial-dialogs.tsx";
import type { SerialPage } from "./serial-page.ts";
import { PasteStrip, SerialStrips } from "./serial-strips.tsx";
import { ViewMenu } from "./view-menu.tsx";
import { serialWords } from "./words.ts";

interface SerialAppProps {
  readonly page: SerialPage;
  /** Where the terminal is. */
  readonly host: HTMLElement;
}

/** The page of a serial console. */
export function SerialApp({ page, host }: SerialAppProps) {
  useShortcuts(page);
  useSerialAnnouncements(page);
  const { serial } = page;

  function facts() {
    const { terminalSize, title } = serialWords.value;
    const { columns, rows } = serial.size.value;
    return [
      { term: terminalSize, detail: `${columns} × ${rows}` },
      ...(serial.title.value === "" ? [] : [{ term: title, detail: serial.title.value }]),
    ];
  }

  return (
    <ConsolePage view={page.view} host={host} tools={<Tools page={page} />} facts={facts}>
      <SerialStrips page={page} />
      <PasteStrip page={page} />
      <FindStrip page={page} />
      <SerialDialogs page={page} />
    </ConsolePage>
  );
}

function Tools({ page }: { readonly page: SerialPage }) {
  const { serial, view } = page;
  const live = view.session.phase.value.kind === "live";

  return (
    <>
      {live && <LineMenu page={page} />}
      {live && serial.part.value === "writes" && <KeysMenu page={page} />}
      {serial.screen.value !== undefined && <PasteMenu page={page} />}
      <FindButton page={page} />
      <ViewMenu page={page} />
    </>
  );
}

/** What terminals have for copying and finding, since Ctrl+C and Ctrl+F are the machine's. */
function useShortcuts({ serial, finding, view }: SerialPage): void {
  useEffect(() => {
    const listening = new AbortController();
    const pressed = (event: KeyboardEvent) => {
      if (!event.ctrlKey || !event.shiftKey || event.altKey || event.metaKey) return;
      if (event.code !== "KeyC" && event.code !== "KeyF") return;
      event.preventDefault();
      event.stopPropagation();
      if (event.code === "KeyF") {
        finding.value = true;
        return;
      }
      const selected = serial.screen.value?.terminal.getSelection() ?? "";
      if (selected === "") return;
      void copyText(selected).then((done) => {
        if (done) view.announce(words.peek().copied);
      });
    };
    document.addEventListener("keydown", pressed, { capture: true, signal: listening.signal });
    return () => listening.abort();
  }, [serial, finding, view]);
}

/** Changes of who writes are said to those who do not see them. */
function useSerialAnnouncements({ serial, view }: SerialPage): void {
  useSignalEffect(() => {
    const part = serial.part.value;
    const { youWrite, youLook } = serialWords.peek();
    if (part === "writes") view.announce(youWrite);
    if (part === "looks") view.announce(youLook);
  });
}
