import { Choice } from "../../ui/choice.tsx";
import { ViewIcon } from "../../ui/icons.tsx";
import { Menu } from "../../ui/menu.tsx";
import { FullScreenButton } from "../full-screen-button.tsx";
import { PageChoices, PinChoice } from "../page-choices.tsx";
import { fileName, saveFile } from "../save-file.ts";
import { number, words } from "../words.ts";
import type { SerialPage } from "./serial-page.ts";
import type { TerminalSize } from "./terminal-screen.ts";
import { fontLimits, SIZES } from "./terminal-settings.ts";
import { serialWords } from "./words.ts";

const ID = "view";

/** How the terminal is shown, and what it showed as a file. */
export function ViewMenu({ page }: { readonly page: SerialPage }) {
  const { view, serial } = page;
  const { session } = view;
  const { settings } = serial;
  const w = serialWords.value;
  const live = session.phase.value.kind === "live";
  const screen = serial.screen.value;

  function save() {
    const text = new Blob([screen?.text() ?? ""], { type: "text/plain;charset=utf-8" });
    saveFile(text, fileName(session.machine.value ?? "", new Date(), "txt"));
  }

  return (
    <Menu
      id={ID}
      label={words.value.view}
      face={
        <>
          <ViewIcon />
          <span class="face">{words.value.view}</span>
        </>
      }
      width={336}
      onToggle={view.menuToggled}
    >
      {live && <SizeChoice page={page} />}
      {screen !== undefined && <FontChoice page={page} />}
      <div class="row">
        {live && <FullScreenButton menu={ID} />}
        {screen !== undefined && (
          <button type="button" class="button" popovertarget={ID} popovertargetaction="hide" onClick={save}>
            {w.saveLog}
          </button>
        )}
      </div>
      <label class="check">
        <input
          type="checkbox"
          checked={settings.screenReader.value}
          onChange={(event) => settings.setScreenReader(event.currentTarget.checked)}
        />
        {w.screenReader}
      </label>
      {live && <PinChoice pinned={settings.pinned.value} onChange={(pinned) => settings.setPinned(pinned)} />}
      <PageChoices />
      {live && <p class="small soft">{words.value.shortcut}</p>}
    </Menu>
  );
}

/** How many columns and rows there are, and the way to have the machine know. */
function SizeChoice({ page: { view, serial } }: { readonly page: SerialPage }) {
  const { settings, takes } = serial;
  const w = serialWords.value;
  const { takesSize } = takes.value;
  const size = settings.size.value ?? (takesSize ? "window" : "standard");
  if (serial.part.value !== "writes") return <p class="small soft">{w.sizeOthers}</p>;
  const told = serial.size.value;

  function tell({ columns, rows }: TerminalSize) {
    serial.type(`stty rows ${rows} columns ${columns}\r`);
    view.backToScreen();
  }

  return (
    <>
      <Choice
        legend={w.size}
        value={size}
        options={SIZES.map((value) => ({ value, label: w.sizes[value] }))}
        onChoose={(chosen) => settings.setSize(chosen)}
      />
      {size === "standard" && !takesSize && <p class="small soft">{w.sizeStandardHint}</p>}
      {takesSize && <p class="small soft">{w.sizeTold}</p>}
      {size === "window" && !takesSize && told !== undefined && (
        <>
          <p class="small soft">{w.sizeUntold(number(told.columns), number(told.rows))}</p>
          <div class="row">
            <code>
              stty rows {told.rows} columns {told.columns}
            </code>
            <button
              type="button"
              class="button"
              popovertarget={ID}
              popovertargetaction="hide"
              onClick={() => tell(told)}
            >
              {w.tellSize}
            </button>
          </div>
        </>
      )}
    </>
  );
}

function FontChoice({ page: { serial } }: { readonly page: SerialPage }) {
  const { settings } = serial;
  const w = serialWords.value;
  const chosen = settings.font.value;
  const font = chosen ?? serial.font.value;

  return (
    <fieldset class="steps-of">
      <legend>{w.font}</legend>
      <button
        type="button"
        class="button"
        aria-label={w.smaller}
        title={w.smaller}
        disabled={font <= fontLimits.smallest}
        onClick={() => settings.setFont(font - 1)}
      >
        A−
      </button>
      <span class="amount" role="status">
        {w.pixels(number(font))}
      </span>
      <button
        type="button"
        class="button"
        aria-label={w.larger}
        title={w.larger}
        disabled={font >= fontLimits.largest}
        onClick={() => settings.setFont(font + 1)}
      >
        A+
      </button>
      <button
        type="button"
        class="button"
        aria-pressed={chosen === undefined}
        onClick={() => settings.setFont(undefined)}
      >
        {w.fontAutomatic}
      </button>
    </fieldset>
  );
}
