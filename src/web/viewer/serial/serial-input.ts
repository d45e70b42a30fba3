import { signal } from "@preact/signals";
import type { ConsoleChannel } from "../channel.ts";
import { type TypingProgress, waitOrAbort } from "../typing.ts";
import { type CleanText, type PaceName, sendPieces } from "./paste.ts";

const limits = {
  /** How often is looked whether the network takes more, while it does not. */
  drainMs: 50,
  /** What is typed while a bracketed text goes out waits behind it. */
  heldCharacters: 4096,
  /** Of what the terminal answers while the network or the machine takes nothing: a machine can ask faster than it listens. */
  answerBacklogBytes: 64 * 1024,
} as const;

const INTERRUPT = "\x03";

/** What goes to the machine: what is typed, what the terminal answers, and texts that are pasted. */
export class SerialInput {
  readonly pasting = signal<TypingProgress | undefined>(undefined);
  readonly #encoder = new TextEncoder();
  #channel: ConsoleChannel | undefined;
  #bracketed = false;
  #held = "";
  #running: Promise<unknown> = Promise.resolve();
  /** Ends the text that was pasted last, be it that it waits for the one before. */
  #pasted = new AbortController();

  connect(channel: ConsoleChannel): void {
    this.#channel = channel;
  }

  send(text: string): void {
    if (text === INTERRUPT) this.stop();
    if (!this.#bracketed) this.#send(text);
    // Within a bracket it would be a part of what is pasted.
    else if (this.#held.length + text.length <= limits.heldCharacters) this.#held += text;
  }

  /** What the terminal answers the machine by itself. */
  answer(text: string): void {
    if ((this.#channel?.bufferedAmount ?? 0) <= limits.answerBacklogBytes) this.send(text);
  }

  /** Resolves to how many characters went out. One text at a time: another one ends the one before. */
  async paste(
    { text }: CleanText,
    { pace, bracketed }: { pace: PaceName; bracketed: boolean },
  ): Promise<number> {
    this.stop();
    const controller = new AbortController();
    this.#pasted = controller;
    const before = this.#running;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#running = promise;
    await before;
    if (controller.signal.aborted) {
      resolve();
      return 0;
    }
    const cancel = () => controller.abort();
    const total = text.length;
    this.pasting.value = { typed: 0, total, cancel };
    this.#bracketed = bracketed;
    const wait = waitOrAbort(controller.signal);
    const sent = await sendPieces(text, {
      pace,
      bracketed,
      send: (piece) => this.#send(piece),
      wait: async (ms) => {
        await wait(ms);
        while (!controller.signal.aborted && (this.#channel?.bufferedAmount ?? 0) > 0)
          await wait(limits.drainMs);
      },
      onProgress: (typed) => {
        this.pasting.value = { typed, total, cancel };
      },
      signal: controller.signal,
    });
    this.#over();
    resolve();
    return sent;
  }

  /** Nothing more goes out of what is being pasted. */
  stop(): void {
    this.#pasted.abort();
  }

  #over(): void {
    this.pasting.value = undefined;
    this.#bracketed = false;
    const held = this.#held;
    this.#held = "";
    if (held !== "") this.#send(held);
  }

  #send(text: string): void {
    this.#channel?.send(this.#encoder.encode(text));
  }
}
