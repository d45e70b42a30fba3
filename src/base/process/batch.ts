/**
 * Collects what comes up in one turn of the event loop and hands it on together, so that a burst costs one message
 * instead of one for each. Nothing waits longer than the turn.
 */
export class Batch<Item> {
  readonly #handOn: (items: Item[]) => void;
  #items: Item[] = [];

  constructor(handOn: (items: Item[]) => void) {
    this.#handOn = handOn;
  }

  add(item: Item): void {
    if (this.#items.length === 0) setImmediate(() => this.#flush());
    this.#items.push(item);
  }

  #flush(): void {
    const items = this.#items;
    this.#items = [];
    this.#handOn(items);
  }
}
