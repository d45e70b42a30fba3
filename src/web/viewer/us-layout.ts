/**
 * The US keyboard: which key types a character, and whether Shift is held. The key's code travels beside its
 * keysym, because a hypervisor that was promised scan codes (QEMU's extended key events) looks at nothing else;
 * for the same reason Shift must be pressed as a key of its own.
 */
export interface Stroke {
  /** X11 keysym: for printable ASCII the character's own code. */
  readonly keysym: number;
  /** KeyboardEvent.code of the physical key. */
  readonly code: string;
  readonly shift: boolean;
}

/** Every key that types characters: its code, the character alone, and with Shift. */
const KEYS: readonly (readonly [code: string, plain: string, shifted: string])[] = [
  ["Backquote", "`", "~"],
  ["Digit1", "1", "!"],
  ["Digit2", "2", "@"],
  ["Digit3", "3", "#"],
  ["Digit4", "4", "$"],
  ["Digit5", "5", "%"],
  ["Digit6", "6", "^"],
  ["Digit7", "7", "&"],
  ["Digit8", "8", "*"],
  ["Digit9", "9", "("],
  ["Digit0", "0", ")"],
  ["Minus", "-", "_"],
  ["Equal", "=", "+"],
  ["BracketLeft", "[", "{"],
  ["BracketRight", "]", "}"],
  ["Backslash", "\\", "|"],
  ["Semicolon", ";", ":"],
  ["Quote", "'", '"'],
  ["Comma", ",", "<"],
  ["Period", ".", ">"],
  ["Slash", "/", "?"],
];

const STROKES: ReadonlyMap<string, Stroke> = new Map([
  ["\n", { keysym: 0xff0d, code: "Enter", shift: false }],
  ["\t", { keysym: 0xff09, code: "Tab", shift: false }],
  [" ", { keysym: 0x20, code: "Space", shift: false }],
  ...KEYS.flatMap(([code, plain, shifted]) => [
    character(plain, code, false),
    character(shifted, code, true),
  ]),
  ...[..."abcdefghijklmnopqrstuvwxyz"].flatMap((letter) => [
    character(letter, `Key${letter.toUpperCase()}`, false),
    character(letter.toUpperCase(), `Key${letter.toUpperCase()}`, true),
  ]),
]);

/** `undefined` where no key of the US keyboard types the character. */
export function strokeOf(character: string): Stroke | undefined {
  return STROKES.get(character);
}

export interface TypingPlan {
  readonly strokes: readonly Stroke[];
  /** Characters that cannot be typed, each once, in the order of the text. */
  readonly missing: readonly string[];
}

/** How a text is typed. Every kind of line end is one Enter. */
export function planTyping(text: string): TypingPlan {
  const strokes: Stroke[] = [];
  const missing = new Set<string>();
  for (const character of text.replace(/\r\n?/g, "\n")) {
    const stroke = strokeOf(character);
    if (stroke === undefined) missing.add(character);
    else strokes.push(stroke);
  }
  return { strokes, missing: [...missing] };
}

function character(text: string, code: string, shift: boolean): [string, Stroke] {
  return [text, { keysym: text.charCodeAt(0), code, shift }];
}
