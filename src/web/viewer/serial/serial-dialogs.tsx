import { useSignal } from "@preact/signals";
import { Choice } from "../../ui/choice.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { number, words } from "../words.ts";
import { type CleanText, PACE_NAMES, type PaceName, pasteLimits } from "./paste.ts";
import type { SerialPage } from "./serial-page.ts";
import { serialWords } from "./words.ts";

const limits = {
  /** Of a text that is shown before it is sent; it goes on below what a dialog has room for. */
  shownCharacters: 2000,
} as const;

/** Questions that come before something happens that cannot be taken back. */
export function SerialDialogs({ page }: { readonly page: SerialPage }) {
  const { serial } = page;
  const text = serial.toConfirm.value;
  const link = serial.link.value;
  if (text !== undefined) return <ConfirmPaste page={page} text={text} />;
  if (link !== undefined) return <ConfirmLink page={page} link={link} />;
  return null;
}

function ConfirmPaste({ page, text }: { readonly page: SerialPage; readonly text: CleanText }) {
  const { serial, view } = page;
  const pace = useSignal<PaceName>("normal");
  const w = serialWords.value;

  function close() {
    serial.toConfirm.value = undefined;
    view.backToScreen();
  }

  async function send() {
    close();
    const sent = await serial.paste(text, pace.value);
    view.announce(serialWords.peek().sent(number(sent)));
  }

  return (
    <Dialog title={w.confirmTitle(number(text.lines))} onClose={close}>
      <div class="stack">
        <p>{w.confirmText(number(text.text.length))}</p>
        {text.text.length >= pasteLimits.characters && (
          <p class="caution">{w.confirmCut(number(pasteLimits.characters))}</p>
        )}
        {text.dropped > 0 && <p class="small caution">{w.dropped(number(text.dropped))}</p>}
        <pre class="preview mono">
          {text.text.slice(0, limits.shownCharacters).replaceAll("\r", "\n")}
          {text.text.length > limits.shownCharacters ? "…" : ""}
        </pre>
        <Choice
          legend={w.pace}
          value={pace.value}
          options={PACE_NAMES.map((value) => ({ value, label: w.paces[value] }))}
          onChoose={(chosen) => {
            pace.value = chosen;
          }}
        />
        <div class="row">
          <button type="button" class="button primary" onClick={() => void send()}>
            {w.confirmSend}
          </button>
          <button type="button" class="button" onClick={close}>
            {words.value.cancel}
          </button>
        </div>
      </div>
    </Dialog>
  );
}

function ConfirmLink({ page: { serial, view }, link }: { readonly page: SerialPage; readonly link: string }) {
  const w = serialWords.value;

  function close() {
    serial.link.value = undefined;
    view.backToScreen();
  }

  return (
    <Dialog title={w.linkTitle} onClose={close}>
      <div class="stack">
        <p>{w.linkText}</p>
        <p class="mono address">{link}</p>
        <div class="row">
          <a class="button primary" href={link} target="_blank" rel="noopener noreferrer" onClick={close}>
            {w.linkOpen}
          </a>
          <button type="button" class="button" onClick={close}>
            {words.value.cancel}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
