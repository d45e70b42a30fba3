import type { RawChannel } from "@novnc/novnc";
import type { SerialNodeMessage } from "#wire/serial.ts";
import { type NodeMessage, parseNodeMessage, type ViewerMessage } from "#wire/viewer.ts";

/** What the node says of the bytes around it, so that it has its place among them. */
export type AmongBytes = SerialNodeMessage;

const AMONG_BYTES: Readonly<Record<AmongBytes["type"], true>> = {
  line: true,
  asked: true,
  answered: true,
  restored: true,
  size: true,
};

/** What the channel needs of a WebSocket; a test gives it another. */
export type Socket = Pick<
  WebSocket,
  "addEventListener" | "binaryType" | "bufferedAmount" | "close" | "protocol" | "readyState" | "send"
>;

export interface ChannelListener {
  opened(): void;
  /** A text frame of the node that this version understands, and that is not for the surface. */
  told(message: Exclude<NodeMessage, AmongBytes>): void;
  /** So many console bytes were handed to the surface. */
  delivered(bytes: number): void;
  /** The surface threw on what it was handed. */
  failed(cause: unknown): void;
  /** `code` is the WebSocket close code (RFC 6455 §7.4). */
  closed(code: number): void;
}

/**
 * One WebSocket of `porthole.v1`, divided: text frames are messages between viewer and node, binary frames are
 * the console's bytes, and for those it is itself a channel such as noVNC takes. Bytes that come before the
 * surface is there wait for it, with what is said among them.
 */
export class ConsoleChannel implements RawChannel {
  binaryType = "arraybuffer";
  onopen: RawChannel["onopen"] = null;
  onerror: RawChannel["onerror"] = null;
  onclose: RawChannel["onclose"] = null;
  /** For a surface that wants to know what was said among the bytes. */
  ontold: ((message: AmongBytes) => void) | null = null;
  readonly #socket: Socket;
  readonly #listener: ChannelListener;
  #waiting: (ArrayBuffer | AmongBytes)[] = [];
  #onmessage: RawChannel["onmessage"] = null;

  constructor(socket: Socket, listener: ChannelListener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => listener.opened());
    socket.addEventListener("message", (event) => this.#received(event.data));
    socket.addEventListener("close", (event) => {
      listener.closed(event.code);
      this.onclose?.(event);
    });
  }

  /** Bytes that the network has not taken yet. */
  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  get readyState(): number {
    return this.#socket.readyState;
  }

  get onmessage(): RawChannel["onmessage"] {
    return this.#onmessage;
  }

  /** From here on the screen reads; what waited comes first, once the screen's own set-up has returned. */
  set onmessage(read: RawChannel["onmessage"]) {
    this.#onmessage = read;
    queueMicrotask(() => this.#flush());
  }

  /** Console bytes of the screen. What it says after the end reaches nobody, and is no fault. */
  send(data: Uint8Array<ArrayBuffer>): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(data);
  }

  tell(message: ViewerMessage): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  close(): void {
    // The screen wants no more. The node may still be about to say why, so the WebSocket stays.
  }

  hangUp(): void {
    this.#socket.close(1000);
  }

  #received(data: unknown): void {
    if (typeof data === "string") {
      const message = parseNodeMessage(data);
      if (message === undefined) return;
      if (!isAmongBytes(message)) {
        this.#listener.told(message);
        return;
      }
      this.#waiting.push(message);
    } else if (data instanceof ArrayBuffer) this.#waiting.push(data);
    this.#flush();
  }

  #flush(): void {
    for (;;) {
      const read = this.#onmessage;
      const data = this.#waiting[0];
      if (read === null || data === undefined) return;
      this.#waiting.shift();
      try {
        if (data instanceof ArrayBuffer) read({ data });
        else this.ontold?.(data);
      } catch (cause) {
        this.#listener.failed(cause);
        return;
      }
      if (data instanceof ArrayBuffer) this.#listener.delivered(data.byteLength);
    }
  }
}

function isAmongBytes(message: NodeMessage): message is AmongBytes {
  return message.type in AMONG_BYTES;
}
