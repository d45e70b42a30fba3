import type { OnReadOpts, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { HEADER_ROOM } from "./frame-header.ts";

const limits = {
  /** Read from one upstream at once. Twice what the kernel usually has to give; more is not faster. */
  readBytes: 256 * 1024,
  /** Read memory that is kept for the next upstream with much to say. */
  spareMemories: 8,
} as const;

/** What an upstream is spoken to through: a socket, or what does as one does. */
export interface UpstreamSocket extends Duplex {
  /** With what waits to be written. */
  readonly bytesWritten: number;
  destroySoon(): void;
}

/**
 * Takes what an upstream said: `length` bytes of `memory`, behind HEADER_ROOM bytes that are the taker's to use.
 * Returns true when it is done with the memory, and false when it keeps it.
 */
export type TakeBytes = (memory: Buffer, length: number) => boolean;

/** One upstream on its socket, which is read into memory of ours instead of memory that is made for each read. */
export class UpstreamLeg {
  readonly socket: UpstreamSocket;
  readonly #reads: Reads;
  #onData: ((chunk: Buffer) => void) | undefined;

  private constructor(socket: UpstreamSocket, reads: Reads) {
    this.socket = socket;
    this.#reads = reads;
  }

  /** `connect` makes the socket with what it is given, and leaves it paused. */
  static async open(connect: (onread: OnReadOpts) => Promise<Socket>): Promise<UpstreamLeg> {
    const reads = new Reads();
    return new UpstreamLeg(await connect(reads.options), reads);
  }

  /** A socket that decides by itself where it reads to, as one with TLS over another does. It is paused. */
  static over(socket: UpstreamSocket): UpstreamLeg {
    const reads = new Reads();
    const leg = new UpstreamLeg(socket, reads);
    leg.#onData = (chunk) => void reads.takeCopy(chunk);
    socket.on("data", leg.#onData);
    return leg;
  }

  /** The socket, for who reads it from now on; this has it no more. */
  release(): UpstreamSocket {
    if (this.#onData !== undefined) this.socket.off("data", this.#onData);
    return this.socket;
  }

  /** Closes the socket behind what waits to be written; where that is not taken in so many milliseconds, without it. */
  close(withinMs: number): void {
    const { socket } = this;
    if (socket.closed) return;
    socket.destroySoon();
    const cutting = setTimeout(() => socket.destroy(), withinMs);
    socket.once("close", () => clearTimeout(cutting));
  }

  /** Whoever takes what is said from now on. Before the first one the socket must stay paused. */
  set onBytes(take: TakeBytes) {
    this.#reads.take = take;
  }
}

/** Shared by all upstreams: what is read into it is copied out before anything else is read. */
const SHARED = newMemory();
const spare: Memory[] = [];

interface Memory {
  readonly whole: Buffer;
  /** Behind the room for a frame's header. */
  readonly readable: Buffer;
}

/**
 * Where one upstream's socket reads to. Node fixes that after each read for the next one. Thousands of upstreams say
 * little and seldom: they all read into the same memory, and what they say is copied. One that fills it has more to
 * say than copying is good for: it reads into memory of its own until it pauses.
 */
class Reads {
  take: TakeBytes = () => {
    throw new Error("read before anybody listened");
  };
  #memory = SHARED;

  readonly options: OnReadOpts = {
    buffer: () => this.#memory.readable,
    callback: (length) => {
      this.#read(length);
      return true;
    },
  };

  #read(length: number): void {
    const memory = this.#memory;
    const isFilled = length === memory.readable.length;
    const isFree =
      memory === SHARED
        ? this.takeCopy(SHARED.readable.subarray(0, length))
        : this.take(memory.whole, length);
    if (isFilled) {
      this.#memory = memory !== SHARED && isFree ? memory : (spare.pop() ?? newMemory());
      return;
    }
    if (memory !== SHARED && isFree && spare.length < limits.spareMemories) spare.push(memory);
    this.#memory = SHARED;
  }

  takeCopy(bytes: Buffer): boolean {
    const copy = Buffer.allocUnsafe(HEADER_ROOM + bytes.length);
    bytes.copy(copy, HEADER_ROOM);
    return this.take(copy, bytes.length);
  }
}

function newMemory(): Memory {
  const whole = Buffer.allocUnsafeSlow(HEADER_ROOM + limits.readBytes);
  return { whole, readable: whole.subarray(HEADER_ROOM) };
}
