import type { KnownMachine } from "./driver.ts";

type List = (signal: AbortSignal) => Promise<readonly KnownMachine[]>;

/** Tells what changes on a platform that says nothing by itself: whoever follows it shares one list, asked for again and again. */
export class PollFollower {
  readonly #list: List;
  readonly #pollMs: number;
  readonly #closing = new AbortController();
  readonly #listeners = new Set<(address: string) => void>();
  #round: Round | undefined;

  constructor(list: List, pollMs: number) {
    this.#list = list;
    this.#pollMs = pollMs;
  }

  /** Throws what listing throws. */
  async follow(
    onChange: (address: string) => void,
    signal: AbortSignal,
  ): Promise<{ readonly ended: Promise<unknown> }> {
    signal.throwIfAborted();
    const each = (address: string) => onChange(address);
    const stop = () => {
      this.#listeners.delete(each);
      if (this.#listeners.size === 0) this.#round?.end(undefined);
      signal.removeEventListener("abort", stop);
    };
    signal.addEventListener("abort", stop, { once: true });
    this.#listeners.add(each);
    const round = this.#running();
    try {
      await round.begun;
      signal.throwIfAborted();
    } catch (error) {
      stop();
      throw error;
    }
    return { ended: round.ended.finally(stop) };
  }

  /** At once, without waiting for the time to come. */
  look(): void {
    this.#round?.look();
  }

  close(): void {
    this.#closing.abort(new Error("closed from here"));
    this.#round?.end(this.#closing.signal.reason);
  }

  #running(): Round {
    if (this.#round === undefined || this.#round.isOver)
      this.#round = new Round(this.#list, { pollMs: this.#pollMs, tell: (address) => this.#tell(address) });
    return this.#round;
  }

  #tell(address: string): void {
    for (const listener of [...this.#listeners]) listener(address);
  }
}

/** From the first list to the first that fails, or until nobody follows any more. */
class Round {
  readonly begun: Promise<void>;
  readonly #list: List;
  readonly #pollMs: number;
  readonly #tell: (address: string) => void;
  readonly #over = new AbortController();
  readonly #ended = Promise.withResolvers<unknown>();
  #known = new Map<string, string>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(
    list: List,
    { pollMs, tell }: { readonly pollMs: number; readonly tell: (address: string) => void },
  ) {
    this.#list = list;
    this.#pollMs = pollMs;
    this.#tell = tell;
    this.begun = this.#first();
  }

  get isOver(): boolean {
    return this.#over.signal.aborted;
  }

  /** Why, once it has. */
  get ended(): Promise<unknown> {
    return this.#ended.promise;
  }

  look(): void {
    if (this.isOver) return;
    clearTimeout(this.#timer);
    // What began before has perhaps not seen what is to be looked for.
    const before = this.#looking ?? this.begun;
    this.#looking = before.then(
      () => this.#again(),
      () => {},
    );
  }

  end(reason: unknown): void {
    clearTimeout(this.#timer);
    this.#over.abort();
    this.#ended.resolve(reason);
  }

  async #first(): Promise<void> {
    try {
      this.#known = shown(await this.#list(this.#over.signal));
      this.#wait();
    } catch (error) {
      this.end(error);
      throw error;
    }
  }

  #wait(): void {
    clearTimeout(this.#timer);
    if (!this.isOver) this.#timer = setTimeout(() => this.look(), this.#pollMs).unref();
  }

  async #again(): Promise<void> {
    if (this.isOver) return;
    try {
      const now = shown(await this.#list(this.#over.signal));
      const before = this.#known;
      this.#known = now;
      for (const [address, how] of now) if (before.get(address) !== how) this.#tell(address);
      for (const address of before.keys()) if (!now.has(address)) this.#tell(address);
      this.#wait();
    } catch (error) {
      this.end(error);
    }
  }
}

function shown(machines: readonly KnownMachine[]): Map<string, string> {
  return new Map(machines.map(({ address, ...rest }) => [address, JSON.stringify(rest)]));
}
