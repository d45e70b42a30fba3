import type { HostPort } from "#base/config.ts";

/** Another node, and where it takes what is handed on to it. */
export interface Peer {
  readonly nodeId: string;
  readonly address: HostPort;
}

export interface PeersOptions {
  /** What control has said last. */
  readonly known: () => ReadonlyMap<string, HostPort>;
  /** Has it say that again, as far as it can be asked. Never rejects. */
  readonly refresh: () => Promise<void>;
}

/**
 * The other nodes of the pool. Control tells of them with every heartbeat; one that is not known, or has moved, may have
 * come since, so control is asked before it is taken for nobody.
 */
export class Peers {
  readonly #options: PeersOptions;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  async find(nodeId: string): Promise<Peer | undefined> {
    return this.#known(nodeId) ?? (await this.findAnew(nodeId));
  }

  /** As control has it now, as far as it can be asked. */
  async findAnew(nodeId: string): Promise<Peer | undefined> {
    await this.#options.refresh();
    return this.#known(nodeId);
  }

  #known(nodeId: string): Peer | undefined {
    const address = this.#options.known().get(nodeId);
    return address === undefined ? undefined : { nodeId, address };
  }
}
