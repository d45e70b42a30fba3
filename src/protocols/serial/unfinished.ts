const ESC = 0x1b;
const BEL = 0x07;
const CAN = 0x18;
const SUB = 0x1a;

const limits = {
  /** Of what is kept of one: more than any that draws. Of a longer one, a string mostly, the beginning is kept, which is what it is. */
  bytes: 256,
} as const;

type State = "ground" | "utf-8" | "escape" | "sequence" | "string" | "string-escape";

/**
 * Knows what stands at the end of a terminal's output and is not whole yet: part of a character (UTF-8), of an escape sequence or of a control
 * string (ECMA-48 §5.4, §5.6). Whoever is shown the screen up to there has to be told it, or the rest would be drawn as text.
 */
export class Unfinished {
  readonly #kept: number[] = [];
  #state: State = "ground";
  #continuations = 0;

  get bytes(): Uint8Array {
    return Uint8Array.from(this.#kept);
  }

  push(bytes: Uint8Array): void {
    let offset = 0;
    while (offset < bytes.length) {
      if (this.#state === "ground") offset = endOfPlain(bytes, offset);
      const byte = bytes[offset];
      if (byte !== undefined) this.#take(byte);
      offset += 1;
    }
  }

  #take(byte: number): void {
    const state = this.#next(byte);
    const begins = state !== "ground" && (this.#state === "ground" || (byte === ESC && state === "escape"));
    if (begins || state === "ground") this.#kept.length = 0;
    if (state !== "ground" && this.#kept.length < limits.bytes) this.#kept.push(byte);
    this.#state = state;
  }

  #next(byte: number): State {
    // Whatever is under way, these end it.
    if (byte === CAN || byte === SUB) return "ground";
    if (byte === ESC && this.#state !== "string") return "escape";
    switch (this.#state) {
      case "ground":
        return this.#begin(byte);
      case "utf-8":
        if (byte < 0x80 || byte >= 0xc0) return this.#begin(byte);
        this.#continuations -= 1;
        return this.#continuations > 0 ? "utf-8" : "ground";
      case "escape":
        return afterEscape(byte);
      case "sequence":
        return byte >= 0x40 && byte < 0x7f ? "ground" : "sequence";
      case "string":
        if (byte === BEL) return "ground";
        return byte === ESC ? "string-escape" : "string";
      case "string-escape":
        return afterEscape(byte);
      default:
        return this.#state satisfies never;
    }
  }

  #begin(byte: number): State {
    if (byte < 0xc2 || byte > 0xf4) return "ground";
    this.#continuations = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    return "utf-8";
  }
}

/** Where what is whole by itself ends: most of what a line says, so it is to cost next to nothing. */
function endOfPlain(bytes: Uint8Array, start: number): number {
  let offset = start;
  for (; offset < bytes.length; offset += 1) {
    const byte = bytes[offset] ?? 0;
    if (byte === ESC || byte >= 0x80) break;
  }
  return offset;
}

/** Behind an escape: [ begins a sequence; ], P, X, ^ and _ a string; intermediate bytes go on; all else is the end of it. */
function afterEscape(byte: number): State {
  if (byte === 0x5b) return "sequence";
  if (byte === 0x5d || byte === 0x50 || byte === 0x58 || byte === 0x5e || byte === 0x5f) return "string";
  return byte >= 0x20 && byte < 0x30 ? "escape" : "ground";
}
