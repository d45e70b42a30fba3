/**
 * One console as a viewer holds it, over a WebSocket or over the bare TCP that `haproxy` and the direct path
 * offer: connects, does the viewer's half of RFB 3.8, asks for the first update, then hands on what comes.
 */
import { connect, type Socket, type TcpNetConnectOpts } from "node:net";
import { connect as connectByTls } from "node:tls";
import { FrameReader, OPCODE, viewerFrame } from "./frames.ts";
import {
  CLIENT_INIT_SHARED,
  SECURITY_NONE,
  SECURITY_RESULT_OK,
  SECURITY_TYPES,
  SERVER_INIT,
  SET_ENCODINGS,
  UPDATE_REQUEST,
  VERSION,
} from "./rfb.ts";

export type Target =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | {
      readonly kind: "websocket";
      readonly host: string;
      readonly port: number;
      readonly path: string;
      readonly protocols: readonly string[];
      /** Over TLS, whatever certificate is shown. */
      readonly tls?: true;
    };

export interface ConsoleEvents {
  /** The first byte behind the handshake has come. */
  open(): void;
  /** Console bytes behind the handshake; to be used at once, the memory is read into again. */
  bytes(chunk: Buffer, start: number, end: number): void;
  /** It is over, by whomever. Called once. */
  ended(why: string): void;
}

/** The acknowledging sub-protocol (docs/protocol/porthole-v1.md), spoken as Porthole's own viewer speaks it. */
export const ACKNOWLEDGING = "porthole.v1";
const ACKNOWLEDGE_EVERY_BYTES = 256 * 1024;

/** Read into by every socket of the process: a piece is used before the next read. */
const READ_BUFFER = Buffer.allocUnsafeSlow(256 * 1024);

/** Long enough for anything that the benchmark sends upstream; a longer one says that something is wrong. */
const HEAD_BYTES = 16 * 1024;

/** What the server says in turn, and what the viewer answers to it. */
const STEPS = [
  { expect: VERSION, answer: message(VERSION) },
  { expect: SECURITY_TYPES, answer: message(SECURITY_NONE) },
  { expect: SECURITY_RESULT_OK, answer: message(CLIENT_INIT_SHARED) },
  { expect: SERVER_INIT, answer: message(Buffer.concat([SET_ENCODINGS, UPDATE_REQUEST])) },
] as const;
const REQUEST = message(UPDATE_REQUEST);

interface Message {
  readonly bare: Buffer;
  readonly framed: Buffer;
}

export class Console {
  readonly #socket: Socket;
  readonly #events: ConsoleEvents;
  readonly #framed: boolean;
  readonly #acknowledging: boolean;
  readonly #frames: FrameReader;
  #head: Buffer | undefined;
  #step = 0;
  #received: Buffer = Buffer.alloc(0);
  #opened = false;
  #ended = false;
  #consoleBytes = 0;
  #acknowledgedBytes = 0;
  #text = "";

  constructor(target: Target, from: string, events: ConsoleEvents) {
    this.#events = events;
    this.#framed = target.kind === "websocket";
    this.#acknowledging = target.kind === "websocket" && target.protocols.includes(ACKNOWLEDGING);
    this.#head = target.kind === "websocket" ? Buffer.alloc(0) : undefined;
    this.#frames = new FrameReader((opcode, piece) => this.#piece(opcode, piece));
    const options: TcpNetConnectOpts = {
      host: target.host,
      port: target.port,
      localAddress: from,
      noDelay: true,
      onread: { buffer: READ_BUFFER, callback: (length) => this.#read(READ_BUFFER.subarray(0, length)) },
    };
    this.#socket =
      target.kind === "websocket" && target.tls
        ? connectByTls({ ...options, rejectUnauthorized: false })
        : connect(options);
    if (target.kind === "websocket") this.#socket.write(upgradeRequest(target));
    this.#socket.on("error", (error) => this.end(error.message));
    this.#socket.on("end", () => this.end("the other end closed"));
    this.#socket.on("close", () => this.end("closed"));
  }

  /** Asks for the next update, as a viewer does that has drawn one. */
  request(): void {
    this.#send(REQUEST);
  }

  end(why: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#socket.destroy();
    this.#events.ended(why);
  }

  #read(chunk: Buffer): boolean {
    if (this.#head !== undefined) this.#readHead(this.#head, chunk);
    else if (this.#framed) this.#frames.push(chunk);
    else this.#console(chunk, 0, chunk.length);
    return true;
  }

  #readHead(before: Buffer, chunk: Buffer): void {
    const head = Buffer.concat([before, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end === -1) {
      this.#head = head;
      if (head.length > HEAD_BYTES) this.end("an endless answer to the upgrade");
      return;
    }
    const answer = head.toString("latin1", 0, end);
    this.#head = undefined;
    if (answer.startsWith("HTTP/1.1 101 ")) this.#frames.push(head.subarray(end + 4));
    else this.end(`not upgraded: ${head.toString("latin1")}`);
  }

  #piece(
    opcode: number,
    { chunk, start, end, last }: { chunk: Buffer; start: number; end: number; last: boolean },
  ): void {
    if (opcode === OPCODE.binary || opcode === OPCODE.continuation) {
      this.#console(chunk, start, end);
      return;
    }
    this.#text += chunk.toString("latin1", start, end);
    if (!last) return;
    const text = this.#text;
    this.#text = "";
    if (opcode === OPCODE.ping) this.#socket.write(viewerFrame(OPCODE.pong, Buffer.from(text, "latin1")));
    else if (opcode === OPCODE.close) this.end(`closed with ${JSON.stringify(text)}`);
    else if (text.includes('"ending"')) this.end(text);
  }

  #console(chunk: Buffer, start: number, end: number): void {
    this.#consoleBytes += end - start;
    if (this.#acknowledging) this.#acknowledge();
    if (this.#step < STEPS.length) this.#handshake(chunk.subarray(start, end));
    else if (end > start) this.#give(chunk, start, end);
  }

  #handshake(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    for (let step = STEPS[this.#step]; step !== undefined; step = STEPS[this.#step]) {
      const { expect, answer } = step;
      if (this.#received.length < expect.length) return;
      if (!this.#received.subarray(0, expect.length).equals(expect)) {
        this.end(`an unexpected step ${this.#step} of the handshake: ${this.#received.toString("hex")}`);
        return;
      }
      this.#received = this.#received.subarray(expect.length);
      this.#send(answer);
      this.#step++;
    }
    if (this.#received.length > 0) this.#give(this.#received, 0, this.#received.length);
  }

  #give(chunk: Buffer, start: number, end: number): void {
    if (!this.#opened) {
      this.#opened = true;
      this.#events.open();
    }
    if (!this.#ended) this.#events.bytes(chunk, start, end);
  }

  #acknowledge(): void {
    if (this.#consoleBytes - this.#acknowledgedBytes < ACKNOWLEDGE_EVERY_BYTES) return;
    this.#acknowledgedBytes = this.#consoleBytes;
    const ack = JSON.stringify({ type: "ack", bytes: this.#consoleBytes });
    this.#socket.write(viewerFrame(OPCODE.text, Buffer.from(ack)));
  }

  #send(sent: Message): void {
    this.#socket.write(this.#framed ? sent.framed : sent.bare);
  }
}

function message(bytes: Buffer): Message {
  return { bare: bytes, framed: viewerFrame(OPCODE.binary, bytes) };
}

function upgradeRequest(target: Target & { readonly kind: "websocket" }): string {
  return [
    `GET ${target.path} HTTP/1.1`,
    `Host: ${target.host}:${target.port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    `Sec-WebSocket-Protocol: ${target.protocols.join(", ")}`,
    "",
    "",
  ].join("\r\n");
}
