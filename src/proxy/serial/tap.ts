import { type Sent, UpstreamStream } from "../console/upstream-stream.ts";
import { ignoreError } from "../ignore-error.ts";

/** What a tap tells the line that it is of. */
export interface TapEvents {
  /** Its viewer sends this; `taken` once the line has it. */
  typed(tap: LineTap, bytes: Buffer, taken: () => void): void;
  /** It takes bytes again. */
  resumed(tap: LineTap): void;
  left(tap: LineTap): void;
}

/**
 * One viewer's end of a line that several share: what its session takes for its upstream. What is given to it goes out at once, so that it
 * stays in order with what is told beside it; so nothing is given to one that is paused, and nothing waits in it.
 */
export class LineTap extends UpstreamStream {
  readonly #events: TapEvents;
  #waits = true;
  #isFinished = false;

  constructor(events: TapEvents) {
    super();
    this.#events = events;
    // Until its session listens, what ended it is on record here.
    this.on("error", ignoreError);
    super.pause();
  }

  /** Whether its viewer takes nothing more for now. */
  get waits(): boolean {
    return this.#waits;
  }

  give(bytes: Uint8Array): void {
    if (!this.destroyed) this.emit("data", Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  }

  /** The line has ended. Said again, it is no news. */
  finish(): void {
    if (!this.destroyed && !this.#isFinished) this.push(null);
    this.#isFinished = true;
  }

  override pause(): this {
    this.#waits = true;
    return super.pause();
  }

  override resume(): this {
    super.resume();
    if (this.#waits) {
      this.#waits = false;
      this.#events.resumed(this);
    }
    return this;
  }

  override _read(): void {}

  protected override send(piece: Buffer, sent: Sent): void {
    this.#events.typed(this, piece, () => sent());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#events.left(this);
    done(error);
  }
}
