import type { PaceName } from "./paste.ts";
import type { KeyName } from "./terminal-keys.ts";
import type { Size } from "./terminal-settings.ts";

const sizes: Record<Size, string> = { standard: "80 × 24", window: "Fill the page" };
const paces: Record<PaceName, string> = { normal: "Normal", slow: "Slow" };
const keyNames: Record<KeyName, string> = {
  interrupt: "Ctrl+C",
  endOfFile: "Ctrl+D",
  suspend: "Ctrl+Z",
  quit: "Ctrl+\\",
  eraseWord: "Ctrl+W",
  transpose: "Ctrl+T",
  next: "Ctrl+N",
  leave: "Ctrl+]",
  escape: "Esc",
  tab: "Tab",
  enter: "Enter",
  backspace: "Backspace",
  up: "Up",
  down: "Down",
  left: "Left",
  right: "Right",
};

/** What only the page of a serial console says, in English. German has the same, in strings-de.ts. */
export const ENGLISH = {
  promptLabel: "Terminal",
  tooMuchOutput: "Too much output to announce; go through the lines to read it.",

  paste: "Copy and paste",
  send: "Send",
  pace: "Pace",
  paces,
  pasteHint: "It goes out piece by piece. Choose Slow where characters get lost, as in firmware.",
  tooLong: (limit: string) => `Too long for a serial line: at most ${limit} characters.`,
  dropped: (count: string) => `Control characters that are left out: ${count}.`,
  lines: (count: string) => `${count} lines. Each is carried out as it arrives.`,
  copySelection: "Copy what is selected",
  copyAll: "Copy everything",
  copyKeys: "Ctrl+Shift+C copies what is selected, Ctrl+Shift+V pastes.",
  takesCopies: "Let the machine offer text to copy",
  machineCopied: "The machine offers text to copy. It is under Copy and paste.",
  sending: (sent: string, total: string) => `Sending: ${sent} of ${total} characters`,
  sent: (count: string) => `${count} characters sent.`,

  confirmTitle: (lines: string) => `Send ${lines} lines to the machine?`,
  confirmText: (characters: string) =>
    `They are ${characters} characters. Unless a program takes them as one text, each line is carried out as it arrives.`,
  confirmCut: (limit: string) =>
    `The text was longer than a serial line takes. These are its first ${limit} characters.`,
  confirmSend: "Send them",
  linkTitle: "Follow a link of the machine's?",
  linkText: "What the machine shows may say something else than where it leads:",
  linkOpen: "Open in a new tab",

  keyNames,
  functionKeys: "Function keys",
  sendBreak: "Send break",
  breakSent: "The break signal was sent.",
  noBreak: "This line carries no break signal: only telnet does.",

  size: "Terminal",
  sizes,
  sizeStandardHint: "A serial line tells the machine no size, and programs assume this one.",
  sizeTold: "The machine is told the size.",
  sizeUntold: (columns: string, rows: string) =>
    `The machine does not know that there are ${columns} columns and ${rows} rows. A shell can be told:`,
  sizeOthers: "Whoever writes decides about the size.",
  tellSize: "Type it into the shell",
  font: "Font size",
  fontAutomatic: "Automatic",
  smaller: "Smaller",
  larger: "Larger",
  pixels: (size: string) => `${size} px`,
  screenReader: "Read the output out (screen reader)",
  saveLog: "Save as text",

  find: "Find",
  findPlaceholder: "Find in the output",
  findNext: "Next match",
  findPrevious: "Previous match",
  findClose: "Close the search",
  found: (index: string, count: string) => `${index} of ${count}`,
  foundMany: (count: string) => `more than ${count}`,
  foundNone: "Not found",

  who: "Who writes",
  you: "You",
  viewerNumber: (number: string) => `Viewer ${number}`,
  youWrite: "You write",
  writes: (name: string) => `${name} writes`,
  nobodyWrites: "Nobody writes",
  writing: "writes",
  watching: "watches",
  looking: "may only watch",
  youLook: "You may only watch this console.",
  askToWrite: "Ask to write",
  write: "Write",
  takeBack: "Take it back",
  handOver: (name: string) => `Hand over to ${name}`,
  stopWriting: "Stop writing",
  waitingFor: (name: string) => `${name} is asked. Who does not answer within half a minute hands over.`,
  refusedBy: (name: string) => `${name} goes on writing.`,
  notAllowed: "You may only watch this console.",
  asksToWrite: (name: string, time: string) =>
    `${name} asks to write. Without an answer it is handed over at ${time}.`,
  letWrite: "Hand over",
  keepWriting: "Go on writing",
  watchesWhileTyping: (name: string) => `${name} writes, so what you type goes nowhere.`,
  missed: "The line was faster than this page, and some of its output is left out here.",
  silent: "Nothing has come from this line yet. Press Enter to see whether something answers.",

  terminalSize: "Terminal",
  title: "Title",
};
export type Strings = typeof ENGLISH;
