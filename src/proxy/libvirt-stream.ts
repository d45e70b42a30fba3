import type { Socket } from "node:net";
import { ProtocolError } from "#base/protocol-error.ts";
import type { OpenedConsole } from "#protocols/libvirt/console.ts";
import {
  type ConsoleEvent,
  ConsoleReader,
  consoleLimits,
  encodeEnd,
  encodeTyped,
} from "#protocols/libvirt/console-stream.ts";
import { encodeKeepalive } from "#protocols/libvirt/keepalive.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { type Sent, UpstreamStream } from "./console/upstream-stream.ts";
import { ignoreError } from "./ignore-error.ts";

const limits = {
  /** Of what the machine says that nobody has taken yet. Until then the connection is read, so that libvirt is answered. */
  heldBytes: 256 * 1024,
  /** Of silence, until libvirt is asked whether it is there. */
  keepaliveMs: 5_000,
  /** Of silence, until it is not. */
  silentMs: 20_000,
  /** What libvirt may leave unread before its questions are not answered any more. */
  unreadBytes: 64 * 1024,
} as const;

const SILENT =
  "libvirt does not answer any more; it does so, too, where the machine takes nothing of what is typed";

/** A machine's serial line as libvirt has it open for us, as a stream of bytes; each side is read as fast as the other takes it. */
export class LibvirtStream extends UpstreamStream {
  readonly #socket: Socket;
  readonly #serial: number;
  readonly #reader: ConsoleReader;
  readonly #silentMs: number;
  readonly #timer: NodeJS.Timeout | undefined;
  #heardAt = performance.now();
  #isOver = false;

  /** The socket is paused behind libvirt's answer that the line is open. */
  constructor(
    socket: Socket,
    { serial, early, keepsAlive }: OpenedConsole,
    {
      keepaliveMs = limits.keepaliveMs,
      silentMs = limits.silentMs,
    }: { readonly keepaliveMs?: number; readonly silentMs?: number } = {},
  ) {
    super({ pieceBytes: consoleLimits.pieceBytes, readableHighWaterMark: limits.heldBytes });
    this.#socket = socket;
    this.#serial = serial;
    this.#reader = new ConsoleReader(serial);
    this.#silentMs = silentMs;
    this.pause();
    if (early.length > 0) this.push(early);
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("error", (error) => this.#lose(error));
    socket.on("end", () => this.#lose());
    socket.on("close", () => this.#lose());
    if (keepsAlive) this.#timer = setInterval(() => this.#keepAlive(keepaliveMs), keepaliveMs);
    socket.resume();
  }

  override _read(): void {
    if (this.#socket.isPaused()) this.#socket.resume();
  }

  protected override send(piece: Buffer, sent: Sent): void {
    this.#socket.write(encodeTyped(this.#serial, piece), sent);
  }

  override _final(done: () => void): void {
    if (this.#socket.writable) this.#socket.end(encodeEnd(this.#serial), () => done());
    else done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearInterval(this.#timer);
    this.#socket.on("error", ignoreError).destroy();
    done(error);
  }

  #take(chunk: Buffer): void {
    this.#heardAt = performance.now();
    try {
      for (const event of this.#reader.push(chunk)) {
        // What stands behind the line's end is none of it, and what stands before is still to be had.
        if (this.#isOver) return;
        this.#hear(event);
      }
    } catch (cause) {
      if (!(cause instanceof ProtocolError)) throw cause;
      const detail = "what libvirt says cannot be read";
      this.destroy(new GatewayError("upstream_protocol_error", { cause, detail }));
    }
  }

  #hear(event: ConsoleEvent): void {
    switch (event.kind) {
      case "said":
        if (!this.push(event.bytes)) this.#socket.pause();
        return;
      case "ended":
        this.#isOver = true;
        this.push(null);
        return;
      case "failed":
        this.#isOver = true;
        this.destroy(new GatewayError("upstream_line_taken", { cause: event.error }));
        return;
      case "ping":
        if (this.#isRead) this.#socket.write(encodeKeepalive("pong"));
        return;
      case "pong":
        return;
      default:
        event satisfies never;
    }
  }

  /** INVARIANT: whoever asks and reads no answer is answered no more, and nothing grows here. */
  get #isRead(): boolean {
    return this.#socket.writable && this.#socket.writableLength < limits.unreadBytes;
  }

  #keepAlive(keepaliveMs: number): void {
    if (this.#socket.isPaused()) {
      this.#sayUnasked();
      return;
    }
    const silentMs = performance.now() - this.#heardAt;
    if (silentMs >= this.#silentMs) this.#lose(new GatewayError("upstream_lost", { detail: SILENT }));
    else if (silentMs >= keepaliveMs / 2 && this.#isRead) this.#socket.write(encodeKeepalive("ping"));
  }

  /**
   * What is not listened to is not heard, libvirt's asking neither: it would take us for gone, and the line from who is only slow. Whatever we say
   * tells it (virKeepAliveCheckMessage), and an answer is the one thing that it does not answer.
   */
  #sayUnasked(): void {
    this.#heardAt = performance.now();
    if (this.#isRead) this.#socket.write(encodeKeepalive("pong"));
  }

  #lose(cause = new Error("libvirt closed the connection")): void {
    if (!this.#isOver && !this.destroyed) this.destroy(cause);
  }
}
