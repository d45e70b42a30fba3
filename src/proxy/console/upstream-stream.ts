import { Duplex, type DuplexOptions } from "node:stream";
import type { UpstreamSocket } from "./upstream-leg.ts";

/** Told that something has gone out, or why it has not. */
export type Sent = (error?: Error | null) => void;

/** What lies between a socket and a console's bytes, and is to be used as a socket is: it counts as one does, and is closed as one is. */
export abstract class UpstreamStream extends Duplex implements UpstreamSocket {
  readonly #pieceBytes: number;
  #sentBytes = 0;

  /** `pieceBytes`: of what is written, no more is sent at once. */
  constructor({
    pieceBytes = Number.POSITIVE_INFINITY,
    ...options
  }: DuplexOptions & { readonly pieceBytes?: number } = {}) {
    super(options);
    this.#pieceBytes = pieceBytes;
  }

  /** Sends a piece of what is written; the next one is sent once this has gone out. */
  protected abstract send(piece: Buffer, sent: Sent): void;

  /** As a socket counts: with what waits to be written. */
  get bytesWritten(): number {
    return this.#sentBytes + this.writableLength;
  }

  /** As a socket does it: once what waits is written. */
  destroySoon(): void {
    if (!this.writableEnded) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: Sent): void {
    const piece = chunk.subarray(0, this.#pieceBytes);
    const rest = chunk.subarray(piece.length);
    this.send(piece, (error) => {
      if (!error) this.#sentBytes += piece.length;
      if (error || rest.length === 0) done(error);
      else this._write(rest, encoding, done);
    });
  }
}
