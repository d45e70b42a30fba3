import { RCODES, type Rcode, type Transport } from "./answer.ts";

/** What became of a message. */
export type Outcome = Rcode | "limited" | "ignored";

const TRANSPORTS: readonly Transport[] = ["udp", "tcp"];
const OUTCOMES = [...(Object.keys(RCODES) as Rcode[]), "limited", "ignored"] as const;

/** Messages by what became of them, counted in one thread and read in another. */
export class Tally {
  readonly memory: SharedArrayBuffer;
  readonly #counts: Float64Array;

  constructor(
    memory = new SharedArrayBuffer(TRANSPORTS.length * OUTCOMES.length * Float64Array.BYTES_PER_ELEMENT),
  ) {
    this.memory = memory;
    this.#counts = new Float64Array(memory);
  }

  /** There is one who counts. */
  count(transport: Transport, outcome: Outcome): void {
    const index = indexOf(transport, outcome);
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
  }

  /** Those that there were. */
  *read(): Iterable<{ readonly transport: Transport; readonly outcome: Outcome; readonly count: number }> {
    for (const transport of TRANSPORTS)
      for (const outcome of OUTCOMES) {
        const count = this.#counts[indexOf(transport, outcome)] ?? 0;
        if (count > 0) yield { transport, outcome, count };
      }
  }
}

function indexOf(transport: Transport, outcome: Outcome): number {
  return TRANSPORTS.indexOf(transport) * OUTCOMES.length + OUTCOMES.indexOf(outcome);
}
