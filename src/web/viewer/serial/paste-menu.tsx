import { useSignal, useSignalEffect } from "@preact/signals";
import { Choice } from "../../ui/choice.tsx";
import { copyText } from "../../ui/copy.ts";
import { ClipboardIcon } from "../../ui/icons.tsx";
import { Menu } from "../../ui/menu.tsx";
import { MachineText, TakeButton } from "../machine-text.tsx";
import { number, words } from "../words.ts";
import { cleanText, PACE_NAMES, type PaceName, pasteLimits } from "./paste.ts";
import type { SerialPage } from "./serial-page.ts";
import { serialWords } from "./words.ts";

const ID = "clipboard";

/** Text in both directions: sent at a pace that the machine can follow, and copied out of the terminal. */
export function PasteMenu({ page }: { readonly page: SerialPage }) {
  const { view, serial } = page;
  const { paste } = serialWords.value;
  useSignalEffect(() => {
    if (serial.copiedText.value !== undefined) view.announce(serialWords.peek().machineCopied);
  });

  return (
    <Menu
      id={ID}
      label={paste}
      face={
        <>
          <ClipboardIcon />
          <span class="face">{paste}</span>
          {serial.copiedText.value !== undefined && <span class="dot" />}
        </>
      }
      width={400}
      onToggle={view.menuToggled}
    >
      {serial.part.value === "writes" && <TextForMachine page={page} />}
      <TextFromTerminal page={page} />
    </Menu>
  );
}

function TextForMachine({ page }: { readonly page: SerialPage }) {
  const { view, serial } = page;
  const text = useSignal("");
  const pace = useSignal<PaceName>("normal");
  const denied = useSignal(false);
  const w = serialWords.value;
  const clean = cleanText(text.value);
  const tooLong = text.value.length > pasteLimits.characters;

  async function send() {
    text.value = "";
    document.getElementById(ID)?.hidePopover();
    const sent = await serial.paste(clean, pace.value);
    view.announce(serialWords.peek().sent(number(sent)));
  }

  return (
    <div class="stack">
      <MachineText text={text} />
      <Choice
        legend={w.pace}
        value={pace.value}
        options={PACE_NAMES.map((value) => ({ value, label: w.paces[value] }))}
        onChoose={(chosen) => {
          pace.value = chosen;
        }}
      />
      <p class="small soft" role="status">
        {denied.value
          ? words.value.takeDenied
          : clean.lines >= pasteLimits.askFromLines
            ? w.lines(number(clean.lines))
            : w.pasteHint}
      </p>
      {clean.dropped > 0 && <p class="small caution">{w.dropped(number(clean.dropped))}</p>}
      {tooLong && <p class="small caution">{w.tooLong(number(pasteLimits.characters))}</p>}
      <div class="row">
        <button
          type="button"
          class="button primary"
          disabled={clean.text === "" || tooLong}
          onClick={() => void send()}
        >
          {w.send}
        </button>
        <TakeButton
          text={text}
          onTried={(given) => {
            denied.value = !given;
          }}
        />
      </div>
    </div>
  );
}

function TextFromTerminal({ page: { serial } }: { readonly page: SerialPage }) {
  const copied = useSignal(false);
  const w = serialWords.value;
  const offered = serial.copiedText.value;
  const { settings } = serial;

  async function copy(text: string) {
    copied.value = await copyText(text);
  }

  return (
    <div class={serial.part.value === "writes" ? "stack divided" : "stack"}>
      <div class="row">
        <button
          type="button"
          class="button"
          onClick={() => void copy(serial.screen.value?.terminal.getSelection() ?? "")}
        >
          {w.copySelection}
        </button>
        <button type="button" class="button" onClick={() => void copy(serial.screen.value?.text() ?? "")}>
          {w.copyAll}
        </button>
        <span role="status" class="small soft">
          {copied.value ? words.value.copied : ""}
        </span>
      </div>
      {offered !== undefined && (
        <label class="stack">
          <h2>{words.value.fromMachine}</h2>
          <textarea class="field mono" rows={2} readOnly value={offered} />
          <button type="button" class="button" onClick={() => void copy(offered)}>
            {words.value.copy}
          </button>
        </label>
      )}
      <label class="check">
        <input
          type="checkbox"
          checked={settings.takesCopies.value}
          onChange={(event) => settings.setTakesCopies(event.currentTarget.checked)}
        />
        {w.takesCopies}
      </label>
      <p class="small soft">{w.copyKeys}</p>
    </div>
  );
}
