import type { ChordName, Modifier, SpecialKey } from "./keys.ts";
import type { HealthWord } from "./pulse.ts";

const SHORTCUT = "Ctrl+Alt+Shift+M";

const chords: Record<ChordName, string> = {
  controlAltDelete: "Ctrl+Alt+Del",
  controlShiftEscape: "Ctrl+Shift+Esc",
  altTab: "Alt+Tab",
  altF4: "Alt+F4",
  escape: "Esc",
  tab: "Tab",
  super: "Super",
  print: "Print",
};

const modifiers: Record<Modifier, string> = { control: "Ctrl", alt: "Alt", shift: "Shift", super: "Super" };

const specialKeys: Record<SpecialKey, string> = {
  escape: "Esc",
  tab: "Tab",
  enter: "Enter",
  backspace: "Backspace",
  delete: "Del",
  print: "Print",
  left: "Left",
  up: "Up",
  right: "Right",
  down: "Down",
};

const healthWords: Record<HealthWord, string> = {
  unknown: "Measuring",
  good: "Good",
  fair: "Fair",
  slow: "Slow",
  silent: "No answer",
};

/** Every sentence and word of the viewer in English. German has the same, in strings-de.ts. */
export const ENGLISH = {
  untitled: "Console",
  screenOf: (machine: string) =>
    `Screen of ${machine}. Keys go to the machine; ${SHORTCUT} leads to the bar.`,
  screenOfViewOnly: (machine: string) => `Screen of ${machine}, view only.`,

  connecting: "Connecting",
  live: "Live",
  closing: "Closed",
  ended: "Ended",
  viewOnly: "View only",
  nowLive: (machine: string) => `The console of ${machine} is live.`,
  nowLiveViewOnly: (machine: string) =>
    `The console of ${machine} is live. You may look, but not type or click.`,

  steps: {
    reaching: "Reaching the console node",
    waiting: "Waiting while others sign in to the hypervisor",
    dialling: "Calling the hypervisor",
    "signing-in": "Signing in to the hypervisor",
    attaching: "Joining the console",
    picture: "Waiting for the first picture",
  },
  done: "done",
  stepNow: "now",
  stepLater: "to come",
  slow: "This takes longer than usual.",

  lastPicture: "The last picture of the console",
  openAgain: "Open again",
  reference: "Reference",
  copy: "Copy",
  copied: "Copied",

  willRestart: "This console node is going to be restarted.",
  willGo: "This console node is going to be taken out of service.",
  sessionEndsAt: (time: string) =>
    `Your session will be ended at ${time} and can be opened again then, or moved to another node now.`,
  sessionMayStay: "Your session may stay until you end it, or be moved to another node now.",
  moveNow: "Move now",
  dismiss: "Later",
  askingWhy: "Finding out why …",

  bar: "Console controls",
  showBar: `Show the controls (${SHORTCUT})`,
  shortcut: `${SHORTCUT} shows and hides the bar.`,
  keys: "Keys",
  clipboard: "Clipboard and paste",
  clipboardNews: "Clipboard and paste: the machine has copied text",
  view: "View",
  power: "Power",
  connection: "Connection",
  end: "End",
  endSession: "End the session",
  pan: "Move the picture",
  touchKeyboard: "Keyboard",

  chords,
  modifiers,
  specialKeys,
  consoleChords: "Ctrl+Alt with",
  holdDown: "Hold down",
  held: (names: string) => `Held down: ${names}`,
  releaseAll: "Release all keys",
  keyStrip: "Keys beside the keyboard",

  toMachine: "Text for the machine",
  toMachinePlaceholder: "Type or paste here",
  takeFromHere: "Paste from this computer",
  takeDenied: "The browser does not give its clipboard away. Paste into the field instead.",
  typeIt: "Type it",
  typeHint: "Types it key by key, as a US keyboard does. Caps Lock of the machine must be off.",
  putInClipboard: "Put in its clipboard",
  clipboardSent: "Sent to the machine's clipboard.",
  cannotType: (characters: string) => `A US keyboard cannot type ${characters}.`,
  typeWithout: "Type it without them",
  latin1Only: (characters: string) => `This machine's clipboard turns ${characters} into “?”.`,
  more: (count: number) => `and ${count} more`,
  tooLongToType: (limit: string) => `Too long to type: at most ${limit} characters.`,
  tooLongToSend: (limit: string) => `Too long for the clipboard: at most ${limit} characters.`,
  fromMachine: "Text from the machine",
  fromMachineNone: "The machine has copied nothing yet.",
  fromMachineCut: (shown: string, whole: string) => `The first ${shown} of ${whole} characters.`,
  machineCopied: "The machine copied text. It is under Clipboard and paste.",
  typing: (typed: string, total: string) => `Typing: ${typed} of ${total} keys`,
  typed: (count: string) => `${count} keys typed.`,
  cancel: "Cancel",
  close: "Close",

  scale: "Size",
  scales: { fit: "Fit", actual: "1:1", remote: "Match" },
  quality: "Picture",
  qualities: { best: "Best", balanced: "Balanced", frugal: "Least data" },
  fullScreen: "Full screen",
  leaveFullScreen: "Leave full screen",
  screenshot: "Save picture",
  pinBar: "Keep this bar in place",
  theme: "Colours",
  themes: { system: "System", light: "Light", dark: "Dark" },
  language: "Language",

  powerSent: "The hypervisor was told.",

  health: healthWords,
  machine: "Machine",
  roundTrip: "Round trip",
  milliseconds: (ms: string) => `${ms} ms`,
  screenSize: "Screen",
  desktopName: "Title",
  session: "Session",
};
export type Strings = typeof ENGLISH;
