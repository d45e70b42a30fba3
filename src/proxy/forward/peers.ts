import { setTimeout } from "node:timers/promises";
import type { HostPort } from "#base/config.ts";

const limits = {
  /** Between two questions to control that come before their time. */
  refreshMs: 1_000,
  /** Who may wait for its answer. Anybody can write a node's name into a ticket that is none. */
  waiting: 64,
} as const;

/** Another node, and where it takes what is handed on to it. */
export interface Peer {
  readonly nodeId: string;
  readonly address: HostPort;
}

export interface PeersOptions {
  /** What control has said last. */
  readonly known: () => ReadonlyMap<string, HostPort>;
  /** Asks control now. */
  readonly refresh: () => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * The other nodes of the pool. Control tells of them with every heartbeat; one that is not known, or has moved, may have
 * come since, so control is asked before it is taken for nobody.
 */
export class Peers {
  readonly #options: PeersOptions;
  /** Will ask control, and has not yet: whoever comes now is answered by it. */
  #next: Promise<void> | undefined;
  #notBefore = 0;
  #waiting = 0;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  async find(nodeId: string): Promise<Peer | undefined> {
    return this.#known(nodeId) ?? (await this.findAnew(nodeId));
  }

  /** As control has it now, as far as it can be asked. */
  async findAnew(nodeId: string): Promise<Peer | undefined> {
    if (this.#waiting < limits.waiting) {
      this.#waiting += 1;
      this.#next ??= this.#ask();
      await this.#next;
      this.#waiting -= 1;
    }
    return this.#known(nodeId);
  }

  #known(nodeId: string): Peer | undefined {
    const address = this.#options.known().get(nodeId);
    return address === undefined ? undefined : { nodeId, address };
  }

  /** Never rejects: what control cannot be asked stays as it was. */
  async #ask(): Promise<void> {
    const { refresh, signal } = this.#options;
    try {
      const wait = Math.max(0, this.#notBefore - performance.now());
      // Even when it need not wait: whoever comes in the same turn is to find it.
      await setTimeout(wait, undefined, { signal });
      this.#notBefore = performance.now() + limits.refreshMs;
      this.#next = undefined;
      await refresh();
    } catch {
      this.#next = undefined;
    }
  }
}
