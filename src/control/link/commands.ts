import type { Log } from "#base/process/log.ts";
import type { LinkCommand } from "#wire/link.ts";
import type { Cluster } from "../cluster/cluster.ts";

const limits = {
  /** For a node's answer to one command. */
  answerMs: 10_000,
  /**
   * Nodes that are looked after at once when something was missed: each costs some questions to a database that has just come
   * back, for which everybody waits.
   */
  nodesAtOnce: 32,
} as const;

/** Resolves to the body of the node's answer, which is still to be checked. Throws what it refuses with. */
type Tell = (command: LinkCommand, body: unknown) => Promise<unknown>;

/** Sees whether there is something of one kind for a node to do, and tells it. To do so twice does no harm. */
export type Errand = (nodeId: string, tell: Tell) => Promise<void>;

/** The nodes whose channels this replica holds. */
interface Held {
  nodeIds(): Iterable<string>;
  holds(nodeId: string): boolean;
  /** Resolves to the body of the node's answer. Throws a GatewayError, `node_lost` where the channel is not held, or closes. */
  ask(nodeId: string, command: LinkCommand, body: unknown, signal: AbortSignal): Promise<unknown>;
  /** Closes the channels of a node that is refused by now. Never rejects. */
  judge(nodeId: string): Promise<void>;
}

export interface CommandsParts {
  readonly held: Held;
  readonly cluster: Cluster;
  /** In the order in which a node is told. */
  readonly errands: readonly Errand[];
  readonly log: Log;
}

/**
 * Gives nodes their commands. What a node is to do stands in the database, not in a queue: the replica that holds its
 * channel looks when some replica says that there is something, and whenever the node is heard of. So nothing is
 * lost with a replica, a channel or a message, and to look once too often does no harm.
 */
export class Commands {
  readonly #parts: CommandsParts;
  /** The nodes that are being looked after, and whether there is reason to look once more. */
  readonly #looking = new Map<string, { again: boolean; readonly done: Promise<void> }>();
  readonly #subscription: { stop(): void };
  readonly #lifetime = new AbortController();

  constructor(parts: CommandsParts) {
    this.#parts = parts;
    this.#subscription = parts.cluster.subscribe("node", {
      heard: (nodeId) => {
        void parts.held.judge(nodeId);
        this.look(nodeId);
      },
      missed: () => {
        const nodeIds = [...parts.held.nodeIds()].values();
        for (let lane = 0; lane < limits.nodesAtOnce; lane++) void this.#lookAtEach(nodeIds);
      },
    });
  }

  /** Sees what the node is to do, and tells it. One at a time for each node. */
  look(nodeId: string): void {
    if (this.#lifetime.signal.aborted) return;
    const looking = this.#looking.get(nodeId);
    if (looking === undefined) {
      this.#looking.set(nodeId, { again: false, done: this.#lookAfter(nodeId) });
    } else looking.again = true;
  }

  /** Gives no more commands, and waits for no answer. */
  async stop(): Promise<void> {
    this.#subscription.stop();
    this.#lifetime.abort();
    await Promise.all([...this.#looking.values()].map(async ({ done }) => await done));
  }

  /** One after the other, of those that nobody else has taken. */
  async #lookAtEach(nodeIds: Iterable<string>): Promise<void> {
    for (const nodeId of nodeIds) {
      await this.#parts.held.judge(nodeId);
      this.look(nodeId);
      await this.#looking.get(nodeId)?.done;
    }
  }

  async #lookAfter(nodeId: string): Promise<void> {
    // Not at once: whoever looks has this entry first.
    await Promise.resolve();
    for (const errand of this.#parts.errands) await this.#run(errand, nodeId);
    const again = this.#looking.get(nodeId)?.again === true;
    this.#looking.delete(nodeId);
    if (again) this.look(nodeId);
  }

  /** One that fails keeps nothing from the others. */
  async #run(errand: Errand, nodeId: string): Promise<void> {
    const { held, log } = this.#parts;
    if (this.#lifetime.signal.aborted || !held.holds(nodeId)) return;
    try {
      await errand(nodeId, async (command, body) => {
        const signal = AbortSignal.any([this.#lifetime.signal, AbortSignal.timeout(limits.answerMs)]);
        return await held.ask(nodeId, command, body, signal);
      });
    } catch (error) {
      // The node hears of it with its next heartbeat, here or at another replica.
      if (!this.#lifetime.signal.aborted) log.debug({ error, nodeId }, "A node could not be told what to do");
    }
  }
}
