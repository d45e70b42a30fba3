const limits = {
  /** About 20 MB. Redemption asks control in any case; this only spares it the question. */
  remembered: 100_000,
} as const;

/**
 * The node's own memory of tickets that it took for redemption, each until it expires. A ticket is of one start of
 * one node, so nothing that another node or an earlier start has forgotten can come here.
 *
 * INVARIANT: control's conditional update is what makes a ticket single-use. This memory may only say no earlier.
 */
export class UsedTickets {
  /** Ticket to its end, in the order in which they came, which is about that in which they expire. */
  readonly #expiries = new Map<string, number>();

  /** False when the ticket was taken before. `now` and `expiresAt` are of control's clock. */
  take(ticket: string, expiresAt: number, now: number): boolean {
    this.#forgetExpired(now);
    if (this.#expiries.has(ticket)) return false;
    this.#expiries.set(ticket, expiresAt);
    return true;
  }

  has(ticket: string): boolean {
    return this.#expiries.has(ticket);
  }

  #forgetExpired(now: number): void {
    for (const [ticket, expiresAt] of this.#expiries) {
      if (expiresAt > now && this.#expiries.size < limits.remembered) return;
      this.#expiries.delete(ticket);
    }
  }
}
