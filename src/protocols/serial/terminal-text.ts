const limits = {
  /** Marks on one character: more than scripts have. Without a bound one cell of a terminal grows for as long as a machine likes. */
  marks: 4,
} as const;

/**
 * What xterm.js adds to the cell of the character before it: marks, formats, middle and end jamo as UAX 44 has them, and of what its
 * tables of Unicode 6 have beside those, U+06DE.
 */
const MARKS = /[\p{M}\p{Cf}\u06de\u1160-\u11ff]+/gu;

/** Bytes of a serial line as the text that a terminal is given (UTF-8), with a bound on what one character bears. */
export class TerminalText {
  readonly #decoder = new TextDecoder("utf-8");
  /** On the last character of what was decoded. */
  #marks = 0;

  decode(bytes: Uint8Array): string {
    const text = this.#decoder.decode(bytes, { stream: true });
    let end = 0;
    const bounded = text.replace(MARKS, (marks, offset: number) => {
      if (offset > 0) this.#marks = 0;
      const kept = [...marks].slice(0, Math.max(0, limits.marks - this.#marks));
      this.#marks += kept.length;
      end = offset + marks.length;
      return kept.join("");
    });
    if (end < text.length) this.#marks = 0;
    return bounded;
  }
}
