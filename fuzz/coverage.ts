import { Session } from "node:inspector";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

const SOURCES = pathToFileURL(resolve(import.meta.dirname, "../src")).href;

/** Which blocks of our own code run, as V8 counts them for everybody's coverage. */
export class Coverage {
  readonly #session = new Session();
  readonly #seen = new Set<string>();

  constructor() {
    this.#session.connect();
    this.#session.post("Profiler.enable");
    this.#session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  get blocks(): number {
    return this.#seen.size;
  }

  /** What has run since this was last asked. Throws what the inspector does not say at once. */
  take(): Set<string> {
    const ran = new Set<string>();
    let isAnswered = false;
    this.#session.post("Profiler.takePreciseCoverage", (error, coverage) => {
      if (error !== null) throw error;
      isAnswered = true;
      for (const { url, functions } of coverage.result) {
        if (!url.startsWith(SOURCES)) continue;
        for (const { startOffset, endOffset, count } of functions.flatMap(({ ranges }) => ranges))
          if (count > 0) ran.add(`${url} ${startOffset} ${endOffset}`);
      }
    });
    if (!isAnswered) throw new Error("the inspector has not answered at once");
    return ran;
  }

  /** Of what has run since it was last asked, what never had before. */
  takeNew(): Set<string> {
    const found = new Set([...this.take()].filter((block) => !this.#seen.has(block)));
    for (const block of found) this.#seen.add(block);
    return found;
  }
}
