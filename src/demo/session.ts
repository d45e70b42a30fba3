import type { Socket } from "node:net";
import type { Log } from "#base/process/log.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { type Sequence, SequenceDriver } from "#base/sequence.ts";
import { type Area, encodeServerCutText } from "#protocols/rfb/messages.ts";
import { encodePixelFormat, TRUE_COLOUR_32 } from "#protocols/rfb/pixel-format.ts";
import { readViewerMessage, type ViewerMessage } from "#protocols/rfb/read-viewer-message.ts";
import { encodeServerInit } from "#protocols/rfb/server-init.ts";
import { acceptViewer, refuseViewer, viewerVersion } from "#protocols/rfb/viewer-handshake.ts";
import { Keyboard } from "./keyboard.ts";
import type { Machine, Watcher } from "./machine.ts";
import { Outbox } from "./outbox.ts";
import type { Change } from "./picture.ts";
import { isWritable } from "./pixel-writer.ts";

const limits = {
  /** For the handshake, and for what is left to be sent when a session is over. */
  patienceMs: 10_000,
} as const;

interface SessionOptions {
  readonly socket: Socket;
  readonly machine: Machine;
  readonly log: Log;
  /** Why the viewer is not let in, where it is not. */
  readonly refusal: string | undefined;
}

/** One viewer's connection, from its first byte to its last. */
export class Session implements Watcher {
  readonly #socket: Socket;
  readonly #machine: Machine;
  readonly #log: Log;
  readonly #refusal: string | undefined;
  readonly #outbox: Outbox;
  readonly #keyboard = new Keyboard();
  /** What the viewer has asked for and not got. INVARIANT: nothing of the screen is sent without. */
  #wanted: Area | undefined;
  #patience: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor({ socket, machine, log, refusal }: SessionOptions) {
    this.#socket = socket;
    this.#machine = machine;
    this.#log = log;
    this.#refusal = refusal;
    this.#outbox = new Outbox(machine.screen);
    this.#losePatience();
    const driver = new SequenceDriver(this.#talk());
    socket.on("data", (chunk) => this.#hear(driver, chunk));
    socket.on("drain", () => this.#flush());
    socket.on("error", (error) => log.debug({ error }, "Viewer connection broke"));
    socket.on("close", () => this.#closed());
  }

  /** One update at a time: while the last one is still on its way, a viewer does not wait for the next. */
  get isWaiting(): boolean {
    return this.#wanted !== undefined && !this.#socket.writableNeedDrain;
  }

  changed(change: Change): void {
    this.#outbox.add(change);
    this.#flush();
  }

  copied(text: string): void {
    // A viewer that does not read must not make us remember everything that was ever copied.
    if (!this.#socket.writableNeedDrain) this.#send(encodeServerCutText(text));
  }

  *#talk(): Sequence<void> {
    const send = (bytes: Uint8Array) => this.#send(bytes);
    const version = yield* viewerVersion(send);
    if (this.#refusal !== undefined) {
      send(refuseViewer(version, this.#refusal));
      return;
    }
    yield* acceptViewer(version, send);
    const { width, height } = this.#machine.screen;
    const pixelFormat = encodePixelFormat(TRUE_COLOUR_32);
    send(encodeServerInit({ width, height, pixelFormat, name: "Porthole demo machine" }));
    clearTimeout(this.#patience);
    this.#machine.add(this);
    while (true) this.#obey(yield* readViewerMessage());
  }

  #hear(driver: SequenceDriver<void>, chunk: Uint8Array): void {
    if (this.#isOver) return;
    try {
      driver.push(chunk);
      if (driver.done) this.#end();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#log.info({ error }, "Viewer was not understood");
      this.#end();
    }
  }

  #obey(message: ViewerMessage): void {
    switch (message.type) {
      case "set-pixel-format":
        if (!isWritable(message.format))
          throw new ProtocolError("pixel format is not supported", message.format);
        this.#outbox.setPixelFormat(message.format);
        break;
      case "set-encodings":
        this.#outbox.setEncodings(message.encodings);
        break;
      case "framebuffer-update-request":
        if (!message.incremental) this.#outbox.forget(message.area);
        this.#wanted = message.area;
        this.#flush();
        break;
      case "key-event":
        this.#press(message.down, message.keysym);
        break;
      case "pointer-event":
        this.#machine.movePointer(message.x, message.y, message.buttons);
        break;
      case "client-cut-text":
        this.#machine.paste(message.text);
        break;
      default:
        message satisfies never;
    }
  }

  #press(down: boolean, keysym: number): void {
    const keystroke = this.#keyboard.key(down, keysym);
    if (keystroke !== undefined) this.#machine.press(keystroke);
  }

  #flush(): void {
    if (this.#wanted === undefined || !this.isWaiting) return;
    const update = this.#outbox.take(this.#wanted);
    if (update === undefined) {
      this.#machine.wake();
      return;
    }
    this.#wanted = undefined;
    this.#send(update);
  }

  #send(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  /** Lets what was said reach the viewer, and then hangs up. */
  #end(): void {
    this.#isOver = true;
    this.#wanted = undefined;
    this.#machine.remove(this);
    this.#losePatience();
    this.#socket.destroySoon();
  }

  #losePatience(): void {
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => this.#socket.destroy(), limits.patienceMs);
  }

  #closed(): void {
    clearTimeout(this.#patience);
    this.#machine.remove(this);
  }
}
