/** What pressing a key comes to. */
export type Keystroke =
  | { readonly type: "character"; readonly character: string }
  | { readonly type: "enter" }
  | { readonly type: "erase" }
  | { readonly type: "discard" }
  | { readonly type: "secure-attention" };

/** Keysyms of X11, as RFC 6143 §7.5.4 has them. */
const KEYSYM = {
  backspace: 0xff08,
  tab: 0xff09,
  return: 0xff0d,
  escape: 0xff1b,
  keypadEnter: 0xff8d,
  delete: 0xffff,
  keypadDelete: 0xff9f,
  /** The rest of a keysym in this range is a Unicode code point. */
  unicode: 0x01000000,
} as const;

const CONTROL: readonly number[] = [0xffe3, 0xffe4];
const ALT: readonly number[] = [0xffe7, 0xffe8, 0xffe9, 0xffea];
const SUPER: readonly number[] = [0xffeb, 0xffec];

/** One viewer's keyboard. A keysym says what was meant, shift included, so only shortcuts need a memory. */
export class Keyboard {
  readonly #held = new Set<number>();

  /** The keystroke that a KeyEvent amounts to; none for releases, modifiers, shortcuts and what types nothing. */
  key(down: boolean, keysym: number): Keystroke | undefined {
    if ([...CONTROL, ...ALT, ...SUPER].includes(keysym)) {
      if (down) this.#held.add(keysym);
      else this.#held.delete(keysym);
      return undefined;
    }
    if (!down) return undefined;
    if (this.#holds(CONTROL) || this.#holds(ALT) || this.#holds(SUPER)) return this.#shortcut(keysym);
    return keystroke(keysym);
  }

  #shortcut(keysym: number): Keystroke | undefined {
    const isDelete = keysym === KEYSYM.delete || keysym === KEYSYM.keypadDelete;
    return isDelete && this.#holds(CONTROL) && this.#holds(ALT) ? { type: "secure-attention" } : undefined;
  }

  #holds(keysyms: readonly number[]): boolean {
    return keysyms.some((keysym) => this.#held.has(keysym));
  }
}

function keystroke(keysym: number): Keystroke | undefined {
  switch (keysym) {
    case KEYSYM.return:
    case KEYSYM.keypadEnter:
      return { type: "enter" };
    case KEYSYM.backspace:
      return { type: "erase" };
    case KEYSYM.escape:
      return { type: "discard" };
    case KEYSYM.tab:
      return { type: "character", character: " " };
    default:
      return character(keysym);
  }
}

function character(keysym: number): Keystroke | undefined {
  const keypad = /[*+,\-./0-9=]/;
  if (keysym >= 0xffaa && keysym <= 0xffbd) {
    const text = String.fromCharCode(keysym - 0xff80);
    return keypad.test(text) ? { type: "character", character: text } : undefined;
  }
  const code = keysym >= KEYSYM.unicode ? keysym - KEYSYM.unicode : keysym;
  const isLatin1 = (code >= 0x20 && code <= 0x7e) || (code >= 0xa0 && code <= 0xff);
  const isUnicode = keysym >= KEYSYM.unicode && code > 0xff && code <= 0x10ffff;
  return isLatin1 || isUnicode ? { type: "character", character: String.fromCodePoint(code) } : undefined;
}
