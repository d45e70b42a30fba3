import { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import { GatewayError } from "#wire/gateway-error.ts";
import { ignoreError } from "./ignore-error.ts";

const limits = {
  /** Of one message that is sent. Proxmox VE hangs up on any of more than 128 KiB, or in several frames. */
  messageBytes: 64 * 1024,
} as const;

const TEXT = "a WebSocket's message of text, where there are bytes";

/** What stands in the messages of an open WebSocket, as a stream of bytes; each side is read as fast as the other takes it. */
export class WebSocketStream extends Duplex {
  readonly #webSocket: WebSocket;
  #taken = 0;

  constructor(webSocket: WebSocket) {
    super();
    this.#webSocket = webSocket;
    webSocket.on("message", (data: Buffer, isBinary) => this.#take(data, isBinary));
    webSocket.on("error", (error) => this.destroy(error));
    webSocket.on("close", () => this.push(null));
  }

  /** As a socket counts: with what waits to be written. */
  get bytesWritten(): number {
    return this.#taken + this.writableLength;
  }

  /** As a socket does it: once what waits is written. */
  destroySoon(): void {
    if (!this.writableEnded) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  override _read(): void {
    if (this.#webSocket.isPaused) this.#webSocket.resume();
  }

  override _write(chunk: Buffer, encoding: string, done: (error?: Error | null) => void): void {
    const message = chunk.subarray(0, limits.messageBytes);
    const rest = chunk.subarray(limits.messageBytes);
    this.#webSocket.send(message, { binary: true }, (error) => {
      if (!error) this.#taken += message.length;
      if (error || rest.length === 0) done(error);
      else this._write(rest, encoding, done);
    });
  }

  override _final(done: () => void): void {
    if (this.#webSocket.readyState === this.#webSocket.CLOSED) {
      done();
      return;
    }
    this.#webSocket.once("close", () => done());
    this.#webSocket.close();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#webSocket.on("error", ignoreError);
    this.#webSocket.terminate();
    done(error);
  }

  #take(data: Buffer, isBinary: boolean): void {
    if (!isBinary) this.destroy(new GatewayError("upstream_protocol_error", { detail: TEXT }));
    else if (!this.push(data)) this.#webSocket.pause();
  }
}
