import { neighbourhood } from "./neighbourhood.ts";

/**
 * So many places for whoever comes, of whom nobody is known yet. One address gets another place while it has fewer than are left: alone
 * at most half of them, and of several who take what they can get each gets less, so that there is room for who comes then.
 */
export class Shares {
  readonly #places: number;
  readonly #taken = new Map<string, number>();
  #free: number;

  constructor(places: number) {
    this.#places = places;
    this.#free = places;
  }

  /** How many places are taken. */
  get size(): number {
    return this.#places - this.#free;
  }

  /** A place, and with it how to leave it; `enough` where this address has its share, `full` where nothing is left. */
  enter(address: string): (() => void) | "enough" | "full" {
    const from = neighbourhood(address);
    const taken = this.#taken.get(from) ?? 0;
    if (taken >= this.#free) return taken > 0 ? "enough" : "full";
    this.#taken.set(from, taken + 1);
    this.#free -= 1;
    let isLeft = false;
    return () => {
      if (isLeft) return;
      isLeft = true;
      this.#free += 1;
      const left = (this.#taken.get(from) ?? 0) - 1;
      if (left > 0) this.#taken.set(from, left);
      else this.#taken.delete(from);
    };
  }
}
