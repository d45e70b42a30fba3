import { GatewayError } from "#wire/gateway-error.ts";
import { HEADER_ROOM } from "./console/frame-header.ts";
import type { UpstreamLeg, UpstreamSocket } from "./console/upstream-leg.ts";
import { type Sent, UpstreamStream } from "./console/upstream-stream.ts";
import { Ra2Opening, Ra2Sealing } from "./ra2-messages.ts";

const CHANGED = "a message was changed on its way";

/** What RA2 speaks once both have their keys: messages with their length before them, and a tag behind. */
export class Ra2Stream extends UpstreamStream {
  readonly #socket: UpstreamSocket;
  readonly #sending: Ra2Sealing;
  readonly #receiving: Ra2Opening;

  constructor(
    leg: UpstreamLeg,
    {
      keys,
      early,
    }: {
      readonly keys: { readonly sending: Uint8Array; readonly receiving: Uint8Array };
      readonly early: readonly Uint8Array[];
    },
  ) {
    super();
    this.#socket = leg.socket;
    this.#sending = new Ra2Sealing(keys.sending);
    this.#receiving = new Ra2Opening(keys.receiving);
    leg.onBytes = (memory, length) => {
      this.#take(Buffer.from(memory.subarray(HEADER_ROOM, HEADER_ROOM + length)));
      return true;
    };
    this.#socket.on("end", () => this.push(null));
    this.#socket.on("error", (error) => this.destroy(error));
    this.#socket.on("close", () => this.destroy());
    for (const chunk of early) this.#take(Buffer.from(chunk));
  }

  override _read(): void {
    this.#socket.resume();
  }

  protected override send(piece: Buffer, sent: Sent): void {
    this.#socket.write(this.#sending.seal(piece), sent);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  #take(chunk: Uint8Array): void {
    if (this.destroyed) return;
    try {
      for (const plain of this.#receiving.push(chunk)) if (!this.push(plain)) this.#socket.pause();
    } catch (cause) {
      this.destroy(new GatewayError("upstream_protocol_error", { cause, detail: CHANGED }));
    }
  }
}
