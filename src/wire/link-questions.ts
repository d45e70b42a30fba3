import type { Answer, Question } from "./link.ts";

interface Asked {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

/** The questions that one side of a channel has asked and that are not answered yet. */
export class LinkQuestions {
  readonly #send: (question: Question) => void;
  readonly #asked = new Map<number, Asked>();
  #nextId = 0;

  constructor(send: (question: Question) => void) {
    this.#send = send;
  }

  /** How many wait. */
  get size(): number {
    return this.#asked.size;
  }

  /** Resolves to the other side's answer, whatever it is. Rejects with what `signal` is aborted with, or `fail` is told. */
  async ask(call: string, body: unknown, signal: AbortSignal): Promise<Answer> {
    signal.throwIfAborted();
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const giveUp = () => reject(signal.reason);
    this.#asked.set(id, { resolve, reject });
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      this.#send({ id, call, body });
      return await promise;
    } finally {
      this.#asked.delete(id);
      signal.removeEventListener("abort", giveUp);
    }
  }

  /** Of what nobody waits for, because whoever asked gave up, nothing is done. */
  answer(answer: Answer): void {
    this.#asked.get(answer.id)?.resolve(answer);
  }

  /** The channel is gone: no answer will come. */
  fail(error: Error): void {
    for (const { reject } of this.#asked.values()) reject(error);
  }
}
