/** After how long an open console is ended in which nothing happens, in milliseconds; 0: never. */
export interface Timeouts {
  /** Neither the machine nor the viewer sent a byte of the console. */
  readonly sessionTimeoutMs: number;
  /** Nobody typed, pointed or pasted, whatever the machine shows. */
  readonly idleTimeoutMs: number;
}

/** What a relay has carried, or several of one session. */
export interface Carried {
  readonly bytesToViewer: number;
  readonly bytesFromViewer: number;
  /** Messages that a person causes. */
  readonly inputs: number;
}

export function sumOf(one: Carried, other: Carried): Carried {
  return {
    bytesToViewer: one.bytesToViewer + other.bytesToViewer,
    bytesFromViewer: one.bytesFromViewer + other.bytesFromViewer,
    inputs: one.inputs + other.inputs,
  };
}

/** Finds out how long nothing has happened in a session, by looking now and then: nothing is done on the way of a byte. */
export class Quiet {
  #bytes = -1;
  #inputs = -1;
  #lastByteAt = 0;
  #lastInputAt = 0;

  /** `undefined` while it is not quiet for too long. `now` is on performance.now()'s clock. */
  look(now: number, carried: Carried, timeouts?: Timeouts): "session_timeout" | "session_idle" | undefined {
    const bytes = carried.bytesToViewer + carried.bytesFromViewer;
    if (bytes !== this.#bytes) this.#lastByteAt = now;
    if (carried.inputs !== this.#inputs) this.#lastInputAt = now;
    this.#bytes = bytes;
    this.#inputs = carried.inputs;
    const { sessionTimeoutMs = 0, idleTimeoutMs = 0 } = timeouts ?? {};
    if (sessionTimeoutMs > 0 && now - this.#lastByteAt >= sessionTimeoutMs) return "session_timeout";
    if (idleTimeoutMs > 0 && now - this.#lastInputAt >= idleTimeoutMs) return "session_idle";
    return undefined;
  }
}
