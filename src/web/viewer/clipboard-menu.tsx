import { useSignal, useSignalEffect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { copyText } from "../ui/copy.ts";
import { ClipboardIcon } from "../ui/icons.tsx";
import { Menu } from "../ui/menu.tsx";
import { MachineText, TakeButton } from "./machine-text.tsx";
import { namedCharacters } from "./named-characters.ts";
import { typingLimits } from "./typing.ts";
import { planTyping } from "./us-layout.ts";
import { clipboardLimits } from "./vnc-console.ts";
import type { VncPage } from "./vnc-page.ts";
import { number, words } from "./words.ts";

const ID = "clipboard";

/** Text in both directions: typed as keys, or through the machine's clipboard. */
export function ClipboardMenu({ page }: { readonly page: VncPage }) {
  const { view, vnc } = page;
  const unread = useSignal(false);
  const open = useSignal(false);
  useSignalEffect(() => {
    if (vnc.guestText.value === undefined || open.peek()) return;
    unread.value = true;
    view.announce(words.peek().machineCopied);
  });
  const { clipboard, clipboardNews } = words.value;

  function toggled(isOpen: boolean) {
    open.value = isOpen;
    if (isOpen) unread.value = false;
    view.menuToggled(isOpen);
  }

  return (
    <Menu
      id={ID}
      label={unread.value ? clipboardNews : clipboard}
      face={
        <>
          <ClipboardIcon />
          <span class="face">{clipboard}</span>
          {unread.value && <span class="dot" />}
        </>
      }
      width={400}
      onToggle={toggled}
    >
      <TextForMachine page={page} />
      <TextFromMachine page={page} />
    </Menu>
  );
}

function TextForMachine({ page }: { readonly page: VncPage }) {
  const { view, vnc } = page;
  const { session } = view;
  const text = useSignal("");
  const note = useSignal("");
  const w = words.value;
  const length = text.value.length;
  const tooLongToType = length > typingLimits.characters;
  const tooLongToSend = length > clipboardLimits.characters;
  const { strokes, missing } = planTyping(tooLongToType ? "" : text.value);
  const lost = session.screen.value?.takesUnicode === false ? text.value.match(/[^\0-\u00ff]/gu) : null;

  async function type() {
    text.value = "";
    document.getElementById(ID)?.hidePopover();
    const typed = await vnc.keys.type(strokes);
    view.announce(words.peek().typed(number(typed)));
    // The button that cancelled it is gone.
    if (document.activeElement === document.body) view.backToScreen();
  }

  function send() {
    vnc.sendText(text.value);
    // It may have been a password.
    text.value = "";
    note.value = w.clipboardSent;
  }

  return (
    <div class="stack">
      <MachineText
        text={text}
        onChange={() => {
          note.value = "";
        }}
      />
      <Note when={missing.length > 0}>{w.cannotType(listed(missing))}</Note>
      <Note when={lost !== null}>{w.latin1Only(listed([...new Set(lost)]))}</Note>
      <Note when={tooLongToType}>{w.tooLongToType(number(typingLimits.characters))}</Note>
      <Note when={tooLongToSend}>{w.tooLongToSend(number(clipboardLimits.characters))}</Note>
      <p class="small soft" role="status">
        {note.value === "" ? w.typeHint : note.value}
      </p>
      <div class="row">
        <button
          type="button"
          class="button primary"
          disabled={strokes.length === 0}
          onClick={() => void type()}
        >
          {missing.length > 0 && strokes.length > 0 ? w.typeWithout : w.typeIt}
        </button>
        {session.rights.value?.clipboardIn === true && (
          <button type="button" class="button" disabled={length === 0 || tooLongToSend} onClick={send}>
            {w.putInClipboard}
          </button>
        )}
        <TakeButton
          text={text}
          onTried={(given) => {
            note.value = given ? "" : w.takeDenied;
          }}
        />
      </div>
    </div>
  );
}

function TextFromMachine({ page }: { readonly page: VncPage }) {
  const copied = useSignal(false);
  const guest = page.vnc.guestText.value;
  const w = words.value;
  if (guest === undefined)
    return (
      <div class="stack divided">
        <h2>{w.fromMachine}</h2>
        <p class="small soft">{w.fromMachineNone}</p>
      </div>
    );
  const cut = guest.characters > guest.text.length;

  return (
    <div class="stack divided">
      <label class="stack">
        <h2>{w.fromMachine}</h2>
        <textarea
          class="field mono"
          rows={2}
          readOnly
          value={guest.text}
          onFocus={(event) => event.currentTarget.select()}
        />
      </label>
      <Note when={cut}>{w.fromMachineCut(number(guest.text.length), number(guest.characters))}</Note>
      <div class="row">
        <button
          type="button"
          class="button"
          onClick={() => {
            void copyText(guest.text).then((done) => {
              copied.value = done;
            });
          }}
        >
          {w.copy}
        </button>
        <span role="status" class="small soft">
          {copied.value ? w.copied : ""}
        </span>
      </div>
    </div>
  );
}

function Note({ when, children }: { readonly when: boolean; readonly children: ComponentChildren }) {
  return when ? (
    <p class="small caution" role="status">
      {children}
    </p>
  ) : null;
}

function listed(characters: readonly string[]): string {
  const { shown, more } = namedCharacters(characters);
  return more === 0 ? shown : `${shown} ${words.value.more(more)}`;
}
