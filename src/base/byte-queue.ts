const limits = {
  /** The least memory that a queue makes for pieces that have to wait for more. */
  memoryBytes: 256,
} as const;

const NOTHING = new Uint8Array(0);

/**
 * Bytes that have come and are not taken yet. However small the pieces are in which a peer says them, they take about twice
 * their length: a list of the pieces takes a hundred times that, where each is one byte.
 */
export class ByteQueue {
  #memory: Uint8Array = NOTHING;
  #start = 0;
  #end = 0;

  get length(): number {
    return this.#end - this.#start;
  }

  /** What comes to an empty queue is kept as it is, and must not change any more. */
  push(chunk: Uint8Array): void {
    if (this.length === 0) {
      this.#hold(chunk, chunk.length);
      return;
    }
    // INVARIANT: what was taken lies before the start, and is not written to again.
    if (this.#end + chunk.length > this.#memory.length) this.#makeRoom(this.length + chunk.length);
    this.#memory.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** The first bytes, which stay. */
  peek(length: number): Uint8Array {
    return this.#memory.subarray(this.#start, this.#start + Math.min(length, this.length));
  }

  /** The first bytes, as a view that stays as it is. */
  take(length: number): Uint8Array {
    const taken = this.peek(length);
    this.#start += taken.length;
    // What was read is often larger than what was said, and a peer may say nothing more for hours.
    if (this.length === 0) this.#hold(NOTHING, 0);
    return taken;
  }

  #makeRoom(length: number): void {
    const memory = new Uint8Array(Math.max(limits.memoryBytes, 2 * length));
    memory.set(this.peek(this.length));
    this.#hold(memory, this.length);
  }

  #hold(memory: Uint8Array, length: number): void {
    this.#memory = memory;
    this.#start = 0;
    this.#end = length;
  }
}
