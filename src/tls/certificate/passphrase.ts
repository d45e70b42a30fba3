import { ProtocolError } from "#base/protocol-error.ts";

const limits = {
  /**
   * A file names how often its passphrase is hashed, for each thing in it, and control would do nothing else meanwhile: in
   * all so often. Usual is 2048 for each, and Java's 10 000.
   */
  rounds: 1_000_000,
} as const;

/** The passphrase of one file, which is hashed so often and no more. */
export class Passphrase {
  readonly text: string;
  #rounds = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** Before it is hashed so often. Throws a ProtocolError where that comes to too much. */
  spend(rounds: number): void {
    this.#rounds += rounds;
    if (!(this.#rounds <= limits.rounds))
      throw new ProtocolError(`its passphrase is to be hashed more than ${limits.rounds} times`);
  }
}
