/** Cuts what a peer says into pieces, as a network may. */
export type Cut = (bytes: Uint8Array) => Iterable<Uint8Array>;

/** One parser of what a hypervisor says. */
export interface Target {
  readonly name: string;
  /** Bytes that mean something to it. */
  readonly words: readonly Uint8Array[];
  /** What is no longer than this is all that is tried. */
  readonly maxBytes: number;
  /**
   * Has it parse what was said, and says what became of that, errors of the parser's own included: the same for every way of
   * cutting it. Whatever else it throws is a finding.
   */
  run(input: Uint8Array, cut: Cut): string | Promise<string>;
}

/** For `words`. */
export function ascii(...texts: readonly string[]): readonly Uint8Array[] {
  return texts.map((text) => new TextEncoder().encode(text));
}
