/** Keys that a browser or a telephone keeps for itself or has not, as a terminal writes them (xterm's "PC-Style Function Keys"). */
const KEYS = {
  interrupt: "\x03",
  endOfFile: "\x04",
  suspend: "\x1a",
  quit: "\x1c",
  eraseWord: "\x17",
  transpose: "\x14",
  next: "\x0e",
  leave: "\x1d",
  escape: "\x1b",
  tab: "\t",
  enter: "\r",
  backspace: "\x7f",
  up: "\x1b[A",
  down: "\x1b[B",
  left: "\x1b[D",
  right: "\x1b[C",
} as const;
export type KeyName = keyof typeof KEYS;
export const KEY_NAMES = Object.keys(KEYS) as readonly KeyName[];

const ARROW = /\[[A-D]$/;
const FUNCTION_KEYS = [
  "OP",
  "OQ",
  "OR",
  "OS",
  "[15~",
  "[17~",
  "[18~",
  "[19~",
  "[20~",
  "[21~",
  "[23~",
  "[24~",
];
export const FUNCTION_KEY_NUMBERS = FUNCTION_KEYS.map((_, index) => index + 1);

/** What F1 to F12 write. */
export function functionKey(number: number): string {
  return `\x1b${FUNCTION_KEYS[number - 1] ?? ""}`;
}

/** What a key writes. Arrows write something else for programs that asked for it (DECCKM). */
export function keyText(name: KeyName, applicationCursor: boolean): string {
  const text = KEYS[name];
  return applicationCursor && ARROW.test(text) ? text.replace("[", "O") : text;
}
