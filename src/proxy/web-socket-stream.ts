import type { WebSocket } from "ws";
import { GatewayError } from "#wire/gateway-error.ts";
import { type Sent, UpstreamStream } from "./console/upstream-stream.ts";
import { ignoreError } from "./ignore-error.ts";

const limits = {
  /** Of one message that is sent. Proxmox VE hangs up on any of more than 128 KiB, or in several frames. */
  messageBytes: 64 * 1024,
} as const;

const TEXT = "a WebSocket's message of text, where there are bytes";

/** What stands in the messages of an open WebSocket, as a stream of bytes; each side is read as fast as the other takes it. */
export class WebSocketStream extends UpstreamStream {
  readonly #webSocket: WebSocket;

  constructor(webSocket: WebSocket) {
    super({ pieceBytes: limits.messageBytes });
    this.#webSocket = webSocket;
    webSocket.on("message", (data: Buffer, isBinary) => this.#take(data, isBinary));
    webSocket.on("error", (error) => this.destroy(error));
    webSocket.on("close", () => this.push(null));
  }

  override _read(): void {
    if (this.#webSocket.isPaused) this.#webSocket.resume();
  }

  protected override send(piece: Buffer, sent: Sent): void {
    this.#webSocket.send(piece, { binary: true }, sent);
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
