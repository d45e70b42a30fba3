import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { hostPort } from "#base/config.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { SequenceDriver } from "#base/sequence.ts";
import type { Rectangle } from "#protocols/rfb/framebuffer-update.ts";
import { encodeFramebufferUpdateRequest, encodeSetPixelFormat } from "#protocols/rfb/messages.ts";
import { type Channel, type PixelFormat, TRUE_COLOUR_32 } from "#protocols/rfb/pixel-format.ts";
import { readServerMessage, type ServerMessage } from "#protocols/rfb/read-server-message.ts";
import { type UpstreamReady, upstreamHandshake } from "#protocols/rfb/upstream-handshake.ts";
import { encodeVersion, type RfbVersion, VERSION_BYTES } from "#protocols/rfb/version.ts";
import { Canvas } from "./canvas.ts";

/** Paints what a server sends, as a viewer does. */
export function applyRectangles(
  canvas: Canvas,
  rectangles: readonly Rectangle[],
  format = TRUE_COLOUR_32,
): void {
  for (const rectangle of rectangles) {
    if (rectangle.encoding === "raw") canvas.put(decode(rectangle, format), rectangle);
    else canvas.put(canvas.take({ ...rectangle, ...rectangle.from }), rectangle);
  }
}

function decode({ width, height, pixels }: Rectangle & { encoding: "raw" }, format: PixelFormat): Canvas {
  const picture = new Canvas(width, height);
  const size = format.bitsPerPixel / 8;
  for (let offset = 0, index = 0; offset < pixels.length; offset += size, index++) {
    let value = 0;
    for (let byte = 0; byte < size; byte++)
      value = (value << 8) | (pixels[offset + (format.bigEndian ? byte : size - 1 - byte)] ?? 0);
    picture.pixels[index] =
      (level(value, format.red) << 16) | (level(value, format.green) << 8) | level(value, format.blue);
  }
  return picture;
}

function level(value: number, { max, shift }: Channel): number {
  return Math.round((((value >>> shift) & max) * 255) / max);
}

/** A viewer for tests: connects over a real socket, and asks for pictures when it is told to. */
export class Onlooker implements AsyncDisposable {
  readonly socket: Socket;
  readonly ready: UpstreamReady;
  readonly canvas: Canvas;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #format = TRUE_COLOUR_32;
  #unread: Uint8Array;

  private constructor({ socket, chunks, ready, unread }: Opened) {
    this.socket = socket;
    this.ready = ready;
    this.canvas = new Canvas(ready.serverInit.width, ready.serverInit.height);
    this.#chunks = chunks;
    this.#unread = unread;
  }

  /** Signs in with an older version where one is given. Rejects with what the handshake throws. */
  static async open(address: string, version: RfbVersion = "3.8"): Promise<Onlooker> {
    return new Onlooker(await open(address, version));
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  setPixelFormat(format: PixelFormat): void {
    this.#format = format;
    this.send(encodeSetPixelFormat(format));
  }

  ask(incremental = true): void {
    this.send(encodeFramebufferUpdateRequest(incremental, this.canvas.area));
  }

  /** The next message; pictures are painted. Rejects when the server hangs up. */
  async read(): Promise<ServerMessage> {
    const driver = new SequenceDriver(readServerMessage(this.#format.bitsPerPixel / 8));
    driver.push(this.#unread);
    while (!driver.done) driver.push(await next(this.#chunks));
    this.#unread = driver.rest;
    const message = driver.result;
    if (message.type === "framebuffer-update") applyRectangles(this.canvas, message.rectangles, this.#format);
    return message;
  }

  /** Asks for pictures until one of them, or another message, is what is waited for. */
  async watchUntil(isThere: (message: ServerMessage) => boolean): Promise<ServerMessage> {
    this.ask();
    while (true) {
      const message = await this.read();
      if (isThere(message)) return message;
      if (message.type === "framebuffer-update") this.ask();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.closed) return;
    this.socket.destroy();
    await once(this.socket, "close");
  }
}

interface Opened {
  readonly socket: Socket;
  readonly chunks: AsyncIterator<Uint8Array>;
  readonly ready: UpstreamReady;
  readonly unread: Uint8Array;
}

async function open(address: string, version: RfbVersion): Promise<Opened> {
  const socket = connect(hostPort(address));
  const chunks = socket[Symbol.asyncIterator]();
  const driver = new SequenceDriver(
    upstreamHandshake({
      send: (bytes) => socket.write(bytes),
      encryptDes: () => {
        throw new Error("the demo machine asks for no password");
      },
    }),
  );
  // The client speaks the highest version that it is told of, so it is told of the wanted one.
  let told = 0;
  while (!driver.done) {
    const chunk = await next(chunks);
    const rest = chunk.subarray(Math.max(0, VERSION_BYTES - told));
    driver.push(encodeVersion(version).subarray(told, told + chunk.length - rest.length));
    driver.push(rest);
    told += chunk.length;
  }
  return { socket, chunks, ready: driver.result, unread: driver.rest };
}

async function next(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  const { value, done } = await chunks.next();
  if (done === true) throw new ProtocolError("the server hung up");
  return value;
}
