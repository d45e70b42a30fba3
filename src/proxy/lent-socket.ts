import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { ignoreError } from "./ignore-error.ts";

/**
 * A socket on loan: TLS goes over it, and can be taken off again, which Node has no way for where TLS has the socket itself. What is
 * said over it is not much. Destroying it destroys the socket, unless that was taken back.
 */
export class LentSocket extends Duplex {
  readonly #socket: Socket;
  #isBack = false;

  constructor(socket: Socket) {
    super();
    this.#socket = socket;
    socket.pause();
    socket
      .on("data", this.#onData)
      .on("end", this.#onEnd)
      .on("close", this.#onClose)
      .on("error", this.#onError);
  }

  /** The socket, paused. Nothing more is said over the loan, nor heard: whoever has it may say farewell to nobody. */
  takeBack(): Socket {
    const socket = this.#socket;
    this.#isBack = true;
    socket.pause();
    socket
      .off("data", this.#onData)
      .off("end", this.#onEnd)
      .off("close", this.#onClose)
      .off("error", this.#onError);
    this.on("error", ignoreError).destroy();
    return socket;
  }

  readonly #onData = (chunk: Buffer) => {
    if (!this.push(chunk)) this.#socket.pause();
  };
  readonly #onEnd = () => void this.push(null);
  readonly #onClose = () => void this.destroy();
  readonly #onError = (cause: Error) => void this.destroy(cause);

  override _read(): void {
    if (!this.#isBack) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#isBack) done();
    else this.#socket.write(chunk, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#isBack) this.#socket.on("error", ignoreError).destroy();
    done(error);
  }
}
