export const intakeLimits = {
  /** Read in one go. A terminal takes some megabytes a second, so this is a few milliseconds. */
  sliceBytes: 16 * 1024,
  /** Read before the page is given the chance to draw and to take keys. */
  turnMs: 10,
} as const;

interface IntakeOptions {
  /** Reads the bytes at once. */
  readonly read: (bytes: Uint8Array) => void;
  /** Calls back as soon as the page has had its turn; not by a timer, which hidden tabs do without. */
  readonly later?: (run: () => void) => void;
  readonly now?: () => number;
}

/**
 * What comes from the line, in order, taken in turns that leave the page responsive: bytes, and steps that have their place
 * between them.
 */
export class Intake {
  readonly #options: Required<IntakeOptions>;
  readonly #queue: (Uint8Array | (() => void))[] = [];
  readonly #waiting: (() => void)[] = [];
  #bytes = 0;
  #running = false;

  constructor({ read, later = byMessage(), now = () => performance.now() }: IntakeOptions) {
    this.#options = { read, later, now };
  }

  /** Bytes that are not read yet. */
  get bytes(): number {
    return this.#bytes;
  }

  take(bytes: Uint8Array): void {
    this.#bytes += bytes.byteLength;
    for (let from = 0; from < bytes.byteLength; from += intakeLimits.sliceBytes)
      this.#queue.push(bytes.subarray(from, from + intakeLimits.sliceBytes));
    this.#start();
  }

  /** Runs when all that was taken before is read. */
  step(step: () => void): void {
    this.#queue.push(step);
    this.#start();
  }

  /** Resolves when more has been read. */
  async progress(): Promise<void> {
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#options.later(() => this.#turn());
  }

  #turn(): void {
    const { read, later, now } = this.#options;
    const end = now() + intakeLimits.turnMs;
    do {
      const next = this.#queue.shift();
      if (next === undefined) break;
      if (typeof next === "function") {
        next();
        continue;
      }
      read(next);
      this.#bytes -= next.byteLength;
    } while (now() < end);
    for (const resolve of this.#waiting.splice(0)) resolve();
    this.#running = this.#queue.length > 0;
    if (this.#running) later(() => this.#turn());
  }
}

function byMessage(): (run: () => void) => void {
  const { port1, port2 } = new MessageChannel();
  const runs: (() => void)[] = [];
  port1.onmessage = () => runs.shift()?.();
  return (run) => {
    runs.push(run);
    port2.postMessage(undefined);
  };
}
