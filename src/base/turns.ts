interface Bounds {
  /** At work at once. */
  readonly atWork: number;
  /** Beyond those, for their turn. */
  readonly waiting: number;
  /** What whoever comes beyond those is refused with. */
  readonly full: () => Error;
}

/** So many at once, so many who wait, and the rest are told so at once. */
export class Turns {
  readonly #bounds: Bounds;
  readonly #waiting: (() => void)[] = [];
  #atWork = 0;

  constructor(bounds: Bounds) {
    this.#bounds = bounds;
  }

  /** Does it when it is its turn. Throws the signal's reason where that comes first, and `full` where too many wait. */
  async take<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    signal.throwIfAborted();
    if (this.#atWork >= this.#bounds.atWork) await this.#wait(signal);
    else this.#atWork += 1;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#atWork -= 1;
      else next();
    }
  }

  /** Who is done hands his place on, so that it never counts as free in between. */
  async #wait(signal: AbortSignal): Promise<void> {
    if (this.#waiting.length >= this.#bounds.waiting) throw this.#bounds.full();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => {
      const index = this.#waiting.indexOf(resolve);
      if (index >= 0) this.#waiting.splice(index, 1);
      reject(signal.reason);
    };
    this.#waiting.push(resolve);
    signal.addEventListener("abort", abort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}
