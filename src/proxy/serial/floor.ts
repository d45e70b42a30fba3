import { type Answer, type SerialNodeMessage, type SerialViewerMessage, serialLimits } from "#wire/serial.ts";

/** Somebody at a line, as far as it matters for who writes. */
export interface Present {
  readonly viewer: number;
  readonly name?: string | undefined;
  readonly mayWrite: boolean;
  tell(message: SerialNodeMessage): void;
}

/** Who asked to write, and until when whoever writes may think about it. */
interface Question {
  readonly asker: Present;
  readonly timer: NodeJS.Timeout;
}

/** Who is at a line, and which of them writes: one at most. All of them are told with every change. */
export class Floor {
  readonly #present = new Map<number, Present>();
  #writer: Present | undefined;
  #question: Question | undefined;

  /** The number of whoever writes. */
  get writer(): number | undefined {
    return this.#writer?.viewer;
  }

  get size(): number {
    return this.#present.size;
  }

  /** The first one who may writes. */
  enter(present: Present): void {
    this.#present.set(present.viewer, present);
    if (present.mayWrite) this.#writer ??= present;
    this.#announce();
  }

  /** Where whoever wrote has gone, who asked writes; or else nobody does. */
  leave(viewer: number): void {
    if (!this.#present.delete(viewer)) return;
    if (this.#question?.asker.viewer === viewer) this.#withdraw();
    if (this.#writer?.viewer === viewer) {
      this.#writer = undefined;
      if (this.#question !== undefined) this.#give(this.#question.asker);
    }
    this.#announce();
  }

  /** For who has no words: he writes, if nobody does and he may. Says whether he writes. */
  claim(viewer: number): boolean {
    const claimer = this.#present.get(viewer);
    if (this.#writer !== undefined || claimer?.mayWrite !== true) return this.writer === viewer;
    this.#writer = claimer;
    this.#announce();
    return true;
  }

  hear(viewer: number, message: SerialViewerMessage): void {
    const speaker = this.#present.get(viewer);
    if (speaker === undefined) return;
    if (message.type === "ask") this.#ask(speaker);
    if (message.type === "withdraw" && this.#question?.asker === speaker) {
      this.#withdraw();
      answer(speaker, "withdrawn");
    }
    if (speaker !== this.#writer) return;
    if (message.type === "refuse") this.#refuse();
    if (message.type === "hand-over") this.#handOver(message.to);
  }

  /** Nobody is told anything any more. */
  close(): void {
    clearTimeout(this.#question?.timer);
    this.#question = undefined;
    this.#present.clear();
  }

  #ask(asker: Present): void {
    if (!asker.mayWrite) {
      answer(asker, "forbidden");
      return;
    }
    if (this.#writer === asker || this.#question?.asker === asker) return;
    if (this.#writer === undefined) {
      this.#give(asker);
      this.#announce();
      return;
    }
    if (this.#question !== undefined) {
      answer(asker, "refused");
      return;
    }
    const timer = setTimeout(() => this.#handOver(asker.viewer), serialLimits.answerMs);
    this.#question = { asker, timer };
    this.#writer.tell({ type: "asked", viewer: asker.viewer, inMs: serialLimits.answerMs });
  }

  #refuse(): void {
    const asker = this.#takeQuestion();
    if (asker !== undefined) answer(asker, "refused");
  }

  #handOver(to: number | undefined): void {
    const next = to === undefined ? undefined : this.#present.get(to);
    if (to !== undefined && next?.mayWrite !== true) return;
    if (next === undefined) this.#writer = undefined;
    else this.#give(next);
    // Whoever asked and is not the one has nobody left to wait for.
    if (next === undefined && this.#question !== undefined) this.#give(this.#question.asker);
    this.#announce();
  }

  #give(next: Present): void {
    const asker = this.#takeQuestion();
    this.#writer = next;
    if (asker !== undefined && asker !== next) answer(asker, "refused");
    if (asker === next || asker === undefined) answer(next, "given");
  }

  #withdraw(): void {
    this.#takeQuestion();
    this.#writer?.tell({ type: "asked" });
  }

  #takeQuestion(): Present | undefined {
    clearTimeout(this.#question?.timer);
    const asker = this.#question?.asker;
    this.#question = undefined;
    return asker;
  }

  #announce(): void {
    const viewers = [...this.#present.values()].map(({ viewer, name, mayWrite }) => ({
      viewer,
      ...(name === undefined ? {} : { name }),
      mayWrite,
    }));
    const writer = this.writer === undefined ? {} : { writer: this.writer };
    for (const present of this.#present.values())
      present.tell({ type: "line", you: present.viewer, ...writer, viewers });
  }
}

function answer(asker: Present, given: Answer): void {
  asker.tell({ type: "answered", answer: given });
}
