import { Telnet } from "#protocols/serial/telnet.ts";
import { TERMPROXY_PING, termproxyInput } from "#protocols/serial/termproxy.ts";
import type { UpstreamSocket } from "../console/upstream-leg.ts";
import type { Size } from "./screen.ts";

const limits = {
  /** Between two words that say nothing, where those keep a connection open: as often as Proxmox VE's own page says one. */
  pingMs: 30_000,
} as const;

/** What is told a line beside what is typed. Of each the last one says all, so one of each may wait. */
type Word = "break" | "size";

/**
 * In what the bytes of a line stand, and what is told it beside them. INVARIANT: to a line that takes nothing no more is written than its
 * socket takes at once; a break and the last size wait until it takes something again, and pings are left out.
 */
export class Speech {
  readonly #socket: Pick<UpstreamSocket, "write" | "writableNeedDrain">;
  readonly #telnet: Telnet | undefined;
  readonly #isTermproxy: boolean;
  readonly #pinging: NodeJS.Timeout | undefined;
  readonly #owed = new Set<Word>();
  #size: Size | undefined;

  constructor(
    socket: Pick<UpstreamSocket, "write" | "writableNeedDrain">,
    speaks: "bytes" | "telnet" | "termproxy",
  ) {
    this.#socket = socket;
    // What it answers of itself is bounded for each option (telnet.ts).
    this.#telnet = speaks === "telnet" ? new Telnet((bytes) => socket.write(bytes)) : undefined;
    this.#isTermproxy = speaks === "termproxy";
    if (this.#isTermproxy)
      this.#pinging = setInterval(() => {
        if (!this.isFull) socket.write(TERMPROXY_PING);
      }, limits.pingMs);
  }

  /** Whether it has words for a break, and for how large a terminal is. */
  get hasWords(): boolean {
    return this.#telnet !== undefined;
  }

  /** Whether it takes nothing more until it has `drained`. */
  get isFull(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** The line's own bytes in what has come. */
  decode(bytes: Uint8Array): Uint8Array {
    return this.#telnet?.decode(bytes) ?? bytes;
  }

  /** Writes what was typed. Says whether the line takes more. */
  type(bytes: Uint8Array): boolean {
    const said = this.#isTermproxy ? termproxyInput(bytes) : (this.#telnet?.encode(bytes) ?? bytes);
    return this.#socket.write(said);
  }

  sendBreak(): void {
    this.#tell("break");
  }

  resize(size: Size): void {
    this.#size = size;
    this.#tell("size");
  }

  /** The line takes something again. */
  drained(): void {
    const owed = [...this.#owed];
    this.#owed.clear();
    for (const word of owed) this.#tell(word);
  }

  stop(): void {
    clearInterval(this.#pinging);
    this.#owed.clear();
  }

  #tell(word: Word): void {
    if (this.#telnet === undefined) return;
    if (this.isFull) this.#owed.add(word);
    else if (word === "break") this.#telnet.sendBreak();
    else if (this.#size !== undefined) this.#telnet.resize(this.#size);
  }
}
