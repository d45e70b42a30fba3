import type { Log } from "#base/process/log.ts";
import type { Subscriber, Topic } from "./cluster.ts";

/** Who listens to what. */
export class Subscribers {
  readonly #log: Log;
  readonly #subscribers = new Map<Topic, Set<Subscriber>>();

  constructor(log: Log) {
    this.#log = log;
  }

  get topics(): readonly Topic[] {
    return [...this.#subscribers.keys()];
  }

  /** Each call is a subscription of its own, also of the same subscriber. */
  add(topic: Topic, subscriber: Subscriber): { stop(): void } {
    const own: Subscriber = { heard: (text) => subscriber.heard(text), missed: () => subscriber.missed() };
    const all = this.#subscribers.get(topic) ?? new Set();
    this.#subscribers.set(topic, all.add(own));
    return { stop: () => void all.delete(own) };
  }

  heard(topic: Topic, text: string): void {
    this.#tell(topic, (subscriber) => subscriber.heard(text));
  }

  missed(topic: Topic): void {
    this.#tell(topic, (subscriber) => subscriber.missed());
  }

  clear(): void {
    for (const all of this.#subscribers.values()) all.clear();
  }

  /** One that throws keeps nothing from the others, nor from whoever published. */
  #tell(topic: Topic, tell: (subscriber: Subscriber) => void): void {
    for (const subscriber of [...(this.#subscribers.get(topic) ?? [])]) {
      try {
        tell(subscriber);
      } catch (error) {
        this.#log.error({ error, topic }, "What another replica told was not taken");
      }
    }
  }
}
