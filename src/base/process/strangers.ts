import type { Socket } from "node:net";

/** An end of a connection, on whichever layer: TLS stands on the socket that was accepted, and tells the same of it. */
type End = Pick<Socket, "remoteAddress" | "remotePort" | "localAddress" | "localPort">;

/**
 * The connections of a listener that have not shown yet whose they are. Whoever comes is let in. When that is more than
 * there may be, the oldest one leaves of those from the address that has most: a flood crowds out itself first, and
 * whoever shows quickly who it is comes through it.
 */
export class Strangers {
  readonly #maximum: number;
  /** By their address; those of each in the order in which they came. */
  readonly #from = new Map<string, Map<string, Socket>>();
  #count = 0;

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** How many there are. */
  get size(): number {
    return this.#count;
  }

  /** As it was accepted. It is one of them until it closes, or leaves. */
  enter(socket: Socket): void {
    const [address, name] = [socket.remoteAddress ?? "", nameOf(socket)];
    const neighbours = this.#from.get(address) ?? new Map<string, Socket>();
    this.#from.set(address, neighbours.set(name, socket));
    this.#count += 1;
    socket.once("close", () => this.#forget(address, name, socket));
    if (this.#count > this.#maximum) this.#dismissOne();
  }

  /** It has shown whose it is. */
  leave(end: End): void {
    const address = end.remoteAddress ?? "";
    const name = nameOf(end);
    const socket = this.#from.get(address)?.get(name);
    if (socket !== undefined) this.#forget(address, name, socket);
  }

  #forget(address: string, name: string, socket: Socket): void {
    const neighbours = this.#from.get(address);
    // The same name may be another connection's by now.
    if (neighbours?.get(name) !== socket) return;
    neighbours.delete(name);
    this.#count -= 1;
    if (neighbours.size === 0) this.#from.delete(address);
  }

  #dismissOne(): void {
    let most: ReadonlyMap<string, Socket> = new Map();
    for (const neighbours of this.#from.values()) if (neighbours.size > most.size) most = neighbours;
    const [oldest] = most.values();
    if (oldest === undefined) return;
    this.leave(oldest);
    oldest.destroy();
  }
}

function nameOf({ remoteAddress, remotePort, localAddress, localPort }: End): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
