import type { Queries } from "../store/store.ts";

export const limits = {
  /** Of what is published at once, in UTF-8: PostgreSQL carries a little more. */
  textBytes: 7_500,
} as const;

/** What replicas tell each other about. */
export const TOPICS = ["settings", "node", "names", "hypervisors"] as const;
export type Topic = (typeof TOPICS)[number];

/**
 * How the replicas of one installation hear of each other. What is published is a hint to look at the database, which
 * alone knows: it may come twice, and after `missed` some of it never comes.
 */
export interface Cluster {
  /**
   * Tells all replicas, this one included. In a transaction it is heard after the commit and not at all if that does
   * not come about. Throws when the text is too long.
   */
  publish(db: Queries, topic: Topic, text: string): Promise<void>;
  /** Until it is stopped. */
  subscribe(topic: Topic, subscriber: Subscriber): { stop(): void };
  /**
   * Does the task on one replica at a time: on this one for as long as it leads, which ends when the signal aborts.
   * A task that ends or fails by itself is begun again, after a rest, here or elsewhere. A process leads each name once.
   *
   * A replica may learn late that it leads no more, so what a task does must bear to be done twice.
   */
  lead(name: string, task: LeadTask): { stop(): Promise<void> };
  /** Ends what was begun and not stopped. */
  close(): Promise<void>;
}

/** Both are called outside of any transaction, and should only set off what is to be done. */
export interface Subscriber {
  heard(text: string): void;
  /** Something may have been published that was not heard, as at the beginning: look anew at all that it is about. */
  missed(): void;
}

export type LeadTask = (signal: AbortSignal) => Promise<void>;

/** Throws for what PostgreSQL would not carry, so that it is found out on every database. */
export function requireShort(topic: Topic, text: string): void {
  if (Buffer.byteLength(text) > limits.textBytes)
    throw new Error(`what is published to ${topic} is longer than ${limits.textBytes} bytes`);
}
