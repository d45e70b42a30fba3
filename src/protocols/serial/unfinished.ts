const ESC = 0x1b;
const BEL = 0x07;
const CAN = 0x18;
const SUB = 0x1a;

const limits = {
  /** Of what is kept of one: more than any that draws. Of a longer one, a string mostly, the beginning is kept, which is what it is. */
  bytes: 256,
} as const;

/** Of a control's two bytes where it is one of C1's, U+0080 to U+009F, the first (UTF-8). It is never another character's second. */
const C1_LEAD = 0xc2;

/** An operating system command ends with BEL as well, which no other control string does (xterm, "Operating System Commands"). */
type State = "ground" | "utf-8" | "escape" | "sequence" | "command" | "string" | "string-escape";

/**
 * Knows what stands at the end of a terminal's output and is not whole yet: part of a character (UTF-8), of an escape sequence or of a control
 * string (ECMA-48 §5.4, §5.6). Whoever is shown the screen up to there has to be told it, or the rest would be drawn as text.
 */
export class Unfinished {
  readonly #kept: number[] = [];
  #state: State = "ground";
  #continuations = 0;
  #isBehindC1Lead = false;

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
    const before = this.#state;
    const isC1 = this.#isBehindC1Lead && byte >= 0x80 && byte < 0xa0;
    this.#isBehindC1Lead = byte === C1_LEAD;
    this.#state = isC1 ? behindControl(byte - 0x40) : this.#next(byte);
    if (isC1) this.#begins(C1_LEAD);
    else if (byte === ESC && !this.#isKeptWithString) this.#begins();
    // It was no string's end.
    else if (before === "string-escape") this.#begins(ESC);
    else if (before === "ground" || (before === "utf-8" && byte >= 0xc0)) this.#begins();
    if (this.#state === "ground") this.#begins();
    else if (this.#kept.length < limits.bytes) this.#kept.push(byte);
  }

  /** Half of a string's end, as long as there is room for it: without it, what follows would be the string's. */
  get #isKeptWithString(): boolean {
    return this.#state === "string-escape" && this.#kept.length < limits.bytes;
  }

  #begins(...bytes: readonly number[]): void {
    this.#kept.splice(0, this.#kept.length, ...bytes);
  }

  #next(byte: number): State {
    // Whatever is under way, these end it.
    if (byte === CAN || byte === SUB) return "ground";
    if (byte === ESC)
      return this.#state === "string" || this.#state === "command" ? "string-escape" : "escape";
    switch (this.#state) {
      case "ground":
        return this.#begin(byte);
      case "utf-8":
        if (byte < 0x80 || byte >= 0xc0) return this.#begin(byte);
        this.#continuations -= 1;
        return this.#continuations > 0 ? "utf-8" : "ground";
      case "escape":
      case "string-escape":
        // Intermediate bytes go on.
        return byte >= 0x20 && byte < 0x30 ? "escape" : behindControl(byte);
      case "sequence":
        return byte >= 0x40 && byte < 0x7f ? "ground" : "sequence";
      case "command":
        return byte === BEL ? "ground" : "command";
      case "string":
        return "string";
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

/** Of a control of C1, by what stands behind the escape where it is written as two characters: [ begins a sequence; ], P, X, ^ and _ a string. */
function behindControl(byte: number): State {
  if (byte === 0x5b) return "sequence";
  if (byte === 0x5d) return "command";
  return byte === 0x50 || byte === 0x58 || byte === 0x5e || byte === 0x5f ? "string" : "ground";
}
