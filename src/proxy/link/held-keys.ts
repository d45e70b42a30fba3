import { aes256Gcm } from "#base/process/aes-256-gcm.ts";
import { linkLimits, type NodeTicketKey } from "#wire/link.ts";
import type { TicketKey } from "#wire/ticket.ts";

interface Held {
  readonly generation: number;
  readonly key: TicketKey;
}

/** The keys of this start's tickets: what control gave last, and what it gave before that and is newer. */
export class HeldKeys {
  /** The newest first. */
  readonly #held: readonly Held[];
  /** The newest generation of those that control gave last; 0 where it gave none. */
  readonly newest: number;

  private constructor(held: readonly Held[], newest: number) {
    this.#held = held;
    this.newest = newest;
  }

  static readonly none = new HeldKeys([], 0);

  /**
   * With these from control, of which an older answer may be overtaken by a newer one: a key that may seal tickets by now
   * is not forgotten for that. What is older than all of these is.
   */
  with(given: readonly NodeTicketKey[]): HeldKeys {
    const taken = given.map(({ generation, kid, key }) => ({
      generation,
      key: { kid, aead: aes256Gcm(Buffer.from(key, "base64url")) },
    }));
    const newest = Math.max(0, ...taken.map(({ generation }) => generation));
    const newer = this.#held.filter(({ generation }) => generation > newest);
    const held = [...taken, ...newer].toSorted((one, other) => other.generation - one.generation);
    return new HeldKeys(held.slice(0, linkLimits.ticketKeys), newest);
  }

  get keys(): readonly TicketKey[] {
    return this.#held.map(({ key }) => key);
  }
}
