import type { Socket } from "node:net";

/**
 * Notices that a peer takes nothing of what waits for it. It is looked at now and then, so that it needs no timer.
 * A chunk counts when the kernel has all of it: what trickles more slowly than that is no console.
 */
export class Standstill {
  #taken = 0;
  #since: number | undefined;

  /** For how long nothing has been taken, in milliseconds, as far as was looked; 0 where nothing waits. */
  look(
    { bytesWritten, writableLength }: Pick<Socket, "bytesWritten" | "writableLength">,
    now: number,
  ): number {
    const taken = bytesWritten - writableLength;
    const stands = writableLength > 0 && taken === this.#taken;
    this.#taken = taken;
    this.#since = writableLength === 0 ? undefined : stands ? (this.#since ?? now) : now;
    return this.#since === undefined ? 0 : now - this.#since;
  }
}
