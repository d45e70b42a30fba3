import type { Socket } from "node:net";
import { neighbourhood } from "#base/neighbourhood.ts";
import { peerOf } from "./viewer-address.ts";

const limits = {
  /** Of all addresses together: about 40 MB where each has sent half of a request. */
  guests: 2_000,
} as const;

export interface GuestsOptions {
  /** Idle connections of one address. */
  readonly maxIdlePerAddress: number;
  /** From the connection to the first byte that is said on it. */
  readonly firstByteMs: number;
  /** From the end of a request's headers to the end of the answer. */
  readonly answerMs: number;
}

interface Guest {
  readonly from: string;
  readonly since: number;
  /** What had been read of it when it came, as long as nothing is asked. */
  readonly read?: number;
}

/**
 * The connections that carry no console: idle ones, on which no request has arrived in full, and asking ones, whose
 * request is being answered. Whoever comes is let in. When that is more than there may be, who has been idle for
 * longest leaves, first of those from the same address: a stranger can crowd out itself, and nobody else.
 *
 * Only idle ones are counted by address. Behind a reverse proxy all viewers have one, and what they ask is its to bound.
 */
export class Guests implements Disposable {
  readonly #options: GuestsOptions;
  /** Both are in the order of `since`. */
  readonly #idle = new Map<Socket, Guest>();
  readonly #asking = new Map<Socket, Guest>();
  readonly #idleFrom = new Map<string, Set<Socket>>();
  readonly #ticker: NodeJS.Timeout;

  constructor(options: GuestsOptions) {
    this.#options = options;
    this.#ticker = setInterval(() => this.#dismissLate(), options.firstByteMs / 4);
    this.#ticker.unref();
  }

  /** A connection has come. It is looked after until it closes, or is taken out. */
  enter(socket: Socket): void {
    socket.once("close", () => this.leave(socket));
    this.#rest(socket, { from: neighbourhood(peerOf(socket)), read: socket.bytesRead });
    if (this.#idle.size + this.#asking.size > limits.guests)
      this.#dismiss(first(this.#idle) ?? first(this.#asking));
  }

  /** A request has arrived on it. */
  asks(socket: Socket): void {
    const guest = this.leave(socket);
    if (guest !== undefined) this.#asking.set(socket, { from: guest.from, since: performance.now() });
  }

  /** Its request is answered, and it may ask again. */
  isAnswered(socket: Socket): void {
    const guest = this.#asking.get(socket);
    if (guest === undefined) return;
    this.#asking.delete(socket);
    this.#rest(socket, { from: guest.from });
  }

  /** It carries a console from here on, or is gone. */
  leave(socket: Socket): Guest | undefined {
    const guest = this.#idle.get(socket) ?? this.#asking.get(socket);
    if (guest === undefined) return undefined;
    this.#idle.delete(socket);
    this.#asking.delete(socket);
    const neighbours = this.#idleFrom.get(guest.from);
    neighbours?.delete(socket);
    if (neighbours?.size === 0) this.#idleFrom.delete(guest.from);
    return guest;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#ticker);
  }

  #rest(socket: Socket, { from, read }: Omit<Guest, "since">): void {
    this.#idle.set(socket, { from, since: performance.now(), ...(read === undefined ? {} : { read }) });
    const neighbours = this.#idleFrom.get(from) ?? new Set();
    this.#idleFrom.set(from, neighbours.add(socket));
    if (neighbours.size > this.#options.maxIdlePerAddress) this.#dismiss(first(neighbours));
  }

  #dismissLate(): void {
    const { firstByteMs, answerMs } = this.#options;
    const now = performance.now();
    for (const [socket, { since, read }] of this.#idle) {
      if (now - since < firstByteMs) break;
      if (socket.bytesRead === read) this.#dismiss(socket);
    }
    for (const [socket, { since }] of this.#asking) {
      if (now - since < answerMs) break;
      this.#dismiss(socket);
    }
  }

  #dismiss(socket: Socket | undefined): void {
    if (socket === undefined) return;
    this.leave(socket);
    socket.destroy();
  }
}

function first<Item>(items: { keys(): Iterator<Item> }): Item | undefined {
  const { value, done } = items.keys().next();
  return done === true ? undefined : value;
}
