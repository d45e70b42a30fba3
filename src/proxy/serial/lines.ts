import { outputLimits } from "#wire/link-console-output.ts";
import type { Connect } from "../console/opening.ts";
import { withDeadline } from "../deadline.ts";
import { ignoreError } from "../ignore-error.ts";
import { Drawing } from "./drawing.ts";
import type { Line, LineOptions } from "./line.ts";
import type { LineTap } from "./tap.ts";

const limits = {
  /** For how long a line is kept that everybody has left: for who reloads the page, and not for who never comes back. */
  graceMs: 5_000,
} as const;

interface Joining extends Pick<LineOptions, "speaks" | "meantBySilence"> {
  readonly connect: Connect;
  readonly upstreamMs: number;
  /** Whoever wants to join does not any more. */
  readonly signal: AbortSignal;
}

/** A line that is open, or being opened for all who wait for it. */
interface Shared {
  readonly line: Promise<Line>;
  readonly abort: AbortController;
  /** The same, once it is open. */
  open?: Line;
  waiting: number;
}

/** The serial lines that this node has open, each by whose it is. */
export class Lines {
  readonly #drawing = new Drawing();
  readonly #shared = new Map<string, Shared>();
  readonly #graceMs: number;

  constructor(graceMs: number = limits.graceMs) {
    this.#graceMs = graceMs;
  }

  /**
   * A place at a line, which is opened where nobody has it open. Throws what kept it from that, `line_full`, or the signal's reason.
   */
  async join(key: string, joining: Joining): Promise<{ readonly line: Line; readonly tap: LineTap }> {
    joining.signal.throwIfAborted();
    const there = this.#shared.get(key);
    // What is given up ends with the reason of whoever gave it up, and its connection with it: this one is to have its own.
    const shared = there === undefined || isGivenUp(there) ? this.#open(key, joining, there) : there;
    const gone = Promise.withResolvers<never>();
    gone.promise.catch(ignoreError);
    const abort = () => gone.reject(joining.signal.reason);
    joining.signal.addEventListener("abort", abort, { once: true });
    shared.waiting += 1;
    try {
      const line = await Promise.race([shared.line, gone.promise]);
      return { line, tap: line.tap() };
    } finally {
      joining.signal.removeEventListener("abort", abort);
      shared.waiting -= 1;
      // Nobody is left who waits for it. One that is open already is not touched by this.
      if (shared.waiting === 0) shared.abort.abort(joining.signal.reason);
    }
  }

  /** What a line has said, as text, the end of it where that is long; undefined where it is not open. */
  async output(key: string): Promise<string | undefined> {
    const lines = await this.#shared.get(key)?.open?.lines();
    return lines === undefined ? undefined : endOf(lines.join("\n"));
  }

  /** Closes what is kept for nobody, and opens nothing more for who has left. */
  stop(): void {
    for (const { line, abort } of this.#shared.values()) {
      abort.abort();
      line.then((open) => open.close()).catch(ignoreError);
    }
    this.#drawing.stop();
  }

  #open(
    key: string,
    { connect, speaks, meantBySilence, upstreamMs }: Joining,
    before: Shared | undefined,
  ): Shared {
    const abort = new AbortController();
    const forget = () => {
      if (this.#shared.get(key) === shared) this.#shared.delete(key);
    };
    const line = withDeadline(upstreamMs, abort.signal, async (inTime) => {
      // What draws terminals is loaded where there is a line.
      const { Line } = await import("./line.ts");
      // The machine takes one connection: the one that is given up is over first.
      (await before?.line.catch(() => undefined))?.close();
      inTime.throwIfAborted();
      const leg = await connect({ signal: inTime });
      if (inTime.aborted) leg.socket.destroy();
      inTime.throwIfAborted();
      const options = { leg, speaks, meantBySilence, drawing: this.#drawing, graceMs: this.#graceMs };
      return new Line({ ...options, onEnded: forget });
    });
    const shared: Shared = { line, abort, waiting: 0 };
    this.#shared.set(key, shared);
    line.then((open) => {
      shared.open = open;
    }, forget);
    return shared;
  }
}

function isGivenUp({ abort, open }: Shared): boolean {
  return abort.signal.aborted && open === undefined;
}

/** Cut between two characters. */
function endOf(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= outputLimits.bytes) return text;
  const end = bytes.subarray(bytes.length - outputLimits.bytes);
  return end.subarray(end.findIndex((byte) => (byte & 0xc0) !== 0x80)).toString("utf8");
}
