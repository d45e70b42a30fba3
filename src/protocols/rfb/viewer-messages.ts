import { concat } from "#base/bytes.ts";
import { VIEWER_MESSAGE } from "./messages.ts";
import { withAllowedEncodings } from "./set-encodings.ts";
import {
  mayReachServer,
  type ViewerRights,
  viewerHeadBytes,
  viewerMessageBytes,
} from "./viewer-message-layout.ts";

interface FilterOptions {
  readonly rights: ViewerRights;
  /** Takes bytes for the server. They may be a view on the chunk that was pushed. */
  readonly forward: (bytes: Uint8Array) => void;
}

/**
 * Stands between a viewer and a server after their handshakes, and lets through what the viewer's rights allow
 * (RFC 6143 §7.5 and extensions, docs/protocol/rfb.md). What it forwards is always made of whole, known messages,
 * whatever the viewer sends and however it is split; only cut text goes on before its end has come.
 *
 * Thousands of these sit idle or carry pointer movements: a run of allowed messages is forwarded as one view on
 * the chunk, and nothing is kept between messages.
 */
export class ViewerMessageFilter {
  readonly #rights: ViewerRights;
  readonly #forward: (bytes: Uint8Array) => void;
  /** A message that has begun, while too little of it is there to judge it. */
  #held: Uint8Array | undefined;
  /** Bytes still to come of the message that was judged last: after a push, only cut text has any. */
  #remaining = 0;
  #passes = false;
  #inputs = 0;

  constructor({ rights, forward }: FilterOptions) {
    this.#rights = rights;
    this.#forward = forward;
  }

  /** How many messages came that a person causes, whether they may reach the server or not. */
  get inputs(): number {
    return this.#inputs;
  }

  /** Throws a ProtocolError for a message that is not known or too long; after that the filter is of no more use. */
  push(chunk: Uint8Array): void {
    let offset = 0;
    while (this.#held !== undefined && offset < chunk.length) {
      const held = this.#held;
      const missing = chunk.subarray(offset, offset + viewerHeadBytes(held, 0) - held.length);
      offset += missing.length;
      this.#held = undefined;
      this.#scan(concat([held, missing]));
    }
    if (offset < chunk.length) this.#scan(offset === 0 ? chunk : chunk.subarray(offset));
  }

  #scan(bytes: Uint8Array): void {
    let runStart = 0;
    let offset = 0;
    try {
      while (offset < bytes.length) {
        const begins = this.#remaining === 0;
        if (begins && !this.#judge(bytes, offset)) {
          // A copy, of these bytes alone: a Buffer's own slice would keep the whole chunk.
          this.#held = new Uint8Array(bytes.subarray(offset));
          return;
        }
        const end = Math.min(offset + this.#remaining, bytes.length);
        this.#remaining -= end - offset;
        const cut = begins ? this.#cut(bytes, offset, end) : undefined;
        if (cut !== undefined || !this.#passes) {
          this.#forwardRun(bytes, runStart, offset);
          if (cut !== undefined) this.#forward(cut);
          runStart = end;
        }
        offset = end;
      }
    } finally {
      // Also before an error: how a chunk was split must not decide what reached the server.
      this.#forwardRun(bytes, runStart, offset);
    }
  }

  /** Finds out how long the message at `offset` is and whether it goes on; false while too little of it is there. */
  #judge(bytes: Uint8Array, offset: number): boolean {
    if (bytes.length - offset < viewerHeadBytes(bytes, offset)) return false;
    this.#remaining = viewerMessageBytes(bytes, offset);
    this.#passes = mayReachServer(bytes, offset, this.#rights);
    if (!isByItself(bytes[offset])) this.#inputs += 1;
    return true;
  }

  /** What goes on in place of the message, where it is not to go on as it is. */
  #cut(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
    if (bytes[start] !== VIEWER_MESSAGE.setEncodings) return undefined;
    const message = bytes.subarray(start, end);
    const cut = withAllowedEncodings(message, this.#rights);
    return cut === message ? undefined : cut;
  }

  #forwardRun(bytes: Uint8Array, start: number, end: number): void {
    if (end > start) this.#forward(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
  }
}

/** What a viewer says by itself, with nobody before it. */
function isByItself(type: number | undefined): boolean {
  switch (type) {
    case VIEWER_MESSAGE.setPixelFormat:
    case VIEWER_MESSAGE.setEncodings:
    case VIEWER_MESSAGE.framebufferUpdateRequest:
    case VIEWER_MESSAGE.enableContinuousUpdates:
    case VIEWER_MESSAGE.clientFence:
    case VIEWER_MESSAGE.setDesktopSize:
      return true;
    default:
      return false;
  }
}
