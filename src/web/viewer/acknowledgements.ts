/** Tells the node how much of the console was consumed, so that it never sends more than a window ahead. */
export class Acknowledgements {
  readonly #everyBytes: number;
  readonly #tell: (bytes: number) => void;
  #delivered = 0;
  #consumed = 0;
  #told = 0;

  /** `tell` is called when `everyBytes` more were consumed. */
  constructor(everyBytes: number, tell: (bytes: number) => void) {
    this.#everyBytes = everyBytes;
    this.#tell = tell;
  }

  /** Console bytes were handed to the surface. */
  delivered(bytes: number): void {
    this.#delivered += bytes;
  }

  /** All that was delivered is consumed, but for `heldBack` bytes. */
  settle(heldBack: number): void {
    // INVARIANT: the total never falls, though bytes that counted can wait again with the rest of their message.
    this.#consumed = Math.max(this.#consumed, this.#delivered - heldBack);
    if (this.#consumed - this.#told < this.#everyBytes) return;
    this.#told = this.#consumed;
    this.#tell(this.#told);
  }
}
