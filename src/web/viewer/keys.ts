import { type Stroke, strokeOf } from "./us-layout.ts";

/** A key: what it means (X11 keysym) and where it sits (KeyboardEvent.code). */
export interface Key {
  readonly keysym: number;
  readonly code: string;
}

export const MODIFIERS = {
  control: { keysym: 0xffe3, code: "ControlLeft" },
  alt: { keysym: 0xffe9, code: "AltLeft" },
  shift: { keysym: 0xffe1, code: "ShiftLeft" },
  super: { keysym: 0xffeb, code: "MetaLeft" },
} as const satisfies Record<string, Key>;
export type Modifier = keyof typeof MODIFIERS;
export const MODIFIER_NAMES = Object.keys(MODIFIERS) as readonly Modifier[];

const { control, alt, shift } = MODIFIERS;
const FIRST_FUNCTION_KEY = 0xffbe;

export const SPECIAL_KEYS = {
  escape: { keysym: 0xff1b, code: "Escape" },
  tab: { keysym: 0xff09, code: "Tab" },
  enter: { keysym: 0xff0d, code: "Enter" },
  backspace: { keysym: 0xff08, code: "Backspace" },
  delete: { keysym: 0xffff, code: "Delete" },
  print: { keysym: 0xff61, code: "PrintScreen" },
  left: { keysym: 0xff51, code: "ArrowLeft" },
  up: { keysym: 0xff52, code: "ArrowUp" },
  right: { keysym: 0xff53, code: "ArrowRight" },
  down: { keysym: 0xff54, code: "ArrowDown" },
} as const satisfies Record<string, Key>;
export type SpecialKey = keyof typeof SPECIAL_KEYS;

export function functionKey(number: number): Key {
  return { keysym: FIRST_FUNCTION_KEY + number - 1, code: `F${number}` };
}

/** Keys that are pressed in this order and released in the opposite one. */
export type Chord = readonly Key[];

export const CHORDS = {
  controlAltDelete: [control, alt, SPECIAL_KEYS.delete],
  controlShiftEscape: [control, shift, SPECIAL_KEYS.escape],
  altTab: [alt, SPECIAL_KEYS.tab],
  altF4: [alt, functionKey(4)],
  escape: [SPECIAL_KEYS.escape],
  tab: [SPECIAL_KEYS.tab],
  super: [MODIFIERS.super],
  print: [SPECIAL_KEYS.print],
} as const satisfies Record<string, Chord>;
export type ChordName = keyof typeof CHORDS;

/** Linux's virtual consoles. */
export function consoleChord(number: number): Chord {
  return [control, alt, functionKey(number)];
}

export type SendKey = (key: Key, down: boolean) => void;

export function sendChord(chord: Chord, send: SendKey): void {
  for (const key of chord) send(key, true);
  for (const key of chord.toReversed()) send(key, false);
}

/** Types one stroke; `shiftHeld` where Shift is down already and must stay so. */
export function sendStroke(stroke: Stroke, send: SendKey, shiftHeld = false): void {
  sendChord(stroke.shift && !shiftHeld ? [shift, stroke] : [stroke], send);
}

/** Keysyms of characters outside Latin-1 (X11 protocol, appendix A). */
const UNICODE_KEYSYMS = 0x0100_0000;

/**
 * A character as a telephone's keyboard gives it. Beyond the US keyboard it has no key, so that it travels as a
 * keysym alone, which arrives where the hypervisor can translate it.
 */
export function sendCharacter(character: string, send: SendKey, shiftHeld = false): void {
  const stroke = strokeOf(character);
  if (stroke !== undefined) {
    sendStroke(stroke, send, shiftHeld);
    return;
  }
  const code = character.codePointAt(0) ?? 0;
  sendChord([{ keysym: code <= 0xff ? code : UNICODE_KEYSYMS + code, code: "" }], send);
}
