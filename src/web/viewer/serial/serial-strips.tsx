import { language, variantOf } from "../../ui/language.ts";
import { number, words } from "../words.ts";
import { nameOf, type SerialPage } from "./serial-page.ts";
import { serialWords } from "./words.ts";

/** What is to be said over the terminal: one thing at a time, the most urgent first. */
export function SerialStrips({ page }: { readonly page: SerialPage }) {
  const { serial, view } = page;
  const line = serial.line.value;
  if (line === undefined || view.session.phase.value.kind !== "live") return null;
  const part = serial.part.value;
  const w = serialWords.value;
  const asked = serial.asked.value;

  if (asked !== undefined)
    return (
      <div class="strip notice" role="alert">
        <span>{w.asksToWrite(nameOf(line, asked.viewer), timeOf(asked.at))}</span>
        <button type="button" class="button" onClick={() => serial.handOver(asked.viewer)}>
          {w.letWrite}
        </button>
        <button
          type="button"
          class="button"
          onClick={() => {
            serial.refuse();
            view.backToScreen();
          }}
        >
          {w.keepWriting}
        </button>
      </div>
    );
  const { asking, typedInVain } = serial;
  if (part === "watches" && (typedInVain.value || asking.value !== undefined))
    return <Watching page={page} />;
  if (serial.missed.value)
    return (
      <div class="strip notice" role="status">
        <span>{w.missed}</span>
        <button
          type="button"
          class="button"
          onClick={() => {
            serial.missed.value = false;
            view.backToScreen();
          }}
        >
          {words.value.close}
        </button>
      </div>
    );
  if (serial.isSilent.value && part === "writes")
    return (
      <div class="strip notice" role="status">
        <span>{w.silent}</span>
      </div>
    );
  return null;
}

/** Somebody typed who only watches, and is told why nothing came of it. */
function Watching({ page: { serial, view } }: { readonly page: SerialPage }) {
  const w = serialWords.value;
  const line = serial.line.value;
  if (line === undefined) return null;
  const writer = nameOf(line, line.writer);
  const asking = serial.asking.value;
  const says =
    asking === "waiting"
      ? w.waitingFor(writer)
      : asking === "refused"
        ? w.refusedBy(writer)
        : w.watchesWhileTyping(writer);

  return (
    <div class="strip notice" role="status">
      <span>{says}</span>
      {asking === "waiting" ? (
        <button type="button" class="button" onClick={() => serial.withdraw()}>
          {w.takeBack}
        </button>
      ) : (
        <button type="button" class="button" onClick={() => serial.ask()}>
          {w.askToWrite}
        </button>
      )}
      <button
        type="button"
        class="button"
        onClick={() => {
          serial.dismiss();
          view.backToScreen();
        }}
      >
        {words.value.close}
      </button>
    </div>
  );
}

/** How far a pasted text has come, with the way to stop it. */
export function PasteStrip({ page: { serial, view } }: { readonly page: SerialPage }) {
  const pasting = serial.input.pasting.value;
  // What is over in a moment is not worth a word.
  if (pasting === undefined || pasting.total < SHORT) return null;
  const { sending } = serialWords.value;
  const label = sending(number(pasting.typed), number(pasting.total));

  return (
    <div class="strip">
      <progress max={pasting.total} value={pasting.typed} aria-label={label} />
      <span>{label}</span>
      <button
        type="button"
        class="button"
        onClick={() => {
          pasting.cancel();
          view.backToScreen();
        }}
      >
        {words.value.cancel}
      </button>
    </div>
  );
}

const SHORT = 200;

function timeOf(at: number | undefined): string {
  const locale = variantOf(language.value, navigator.languages);
  return new Date(at ?? Date.now()).toLocaleTimeString(locale, { timeStyle: "medium" });
}
