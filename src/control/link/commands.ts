import { Compile } from "typebox/compile";
import type { Log } from "#base/process/log.ts";
import { EndSessionsAnswer, type EndSessionsCommand, type LinkCommand } from "#wire/link.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Closings } from "../sessions/closing.ts";

const limits = {
  /** For a node's answer to one command. */
  answerMs: 10_000,
} as const;

const endSessionsAnswer = Compile(EndSessionsAnswer);

/** The nodes whose channels this replica holds. */
interface Held {
  nodeIds(): Iterable<string>;
  holds(nodeId: string): boolean;
  /** Resolves to the body of the node's answer. Throws a GatewayError, `node_lost` where the channel is not held, or closes. */
  ask(nodeId: string, command: LinkCommand, body: unknown, signal: AbortSignal): Promise<unknown>;
}

export interface CommandsParts {
  readonly held: Held;
  readonly cluster: Cluster;
  readonly closings: Closings;
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
      heard: (nodeId) => this.look(nodeId),
      missed: () => {
        for (const nodeId of parts.held.nodeIds()) this.look(nodeId);
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

  async #lookAfter(nodeId: string): Promise<void> {
    // Not at once: whoever looks has this entry first.
    await Promise.resolve();
    try {
      await this.#endSessions(nodeId);
    } catch (error) {
      // The node hears of it with its next heartbeat, here or at another replica.
      if (!this.#lifetime.signal.aborted)
        this.#parts.log.debug({ error, nodeId }, "A node could not be told what to do");
    }
    const again = this.#looking.get(nodeId)?.again === true;
    this.#looking.delete(nodeId);
    if (again) this.look(nodeId);
  }

  async #endSessions(nodeId: string): Promise<void> {
    const { held, closings, log } = this.#parts;
    if (!held.holds(nodeId)) return;
    let command: EndSessionsCommand | undefined = await closings.of(nodeId, "");
    while (command !== undefined) {
      const signal = AbortSignal.any([this.#lifetime.signal, AbortSignal.timeout(limits.answerMs)]);
      const answer = await held.ask(nodeId, "end-sessions", command, signal);
      if (!endSessionsAnswer.Check(answer)) throw new Error("what a node answers is not of the link");
      log.debug({ nodeId, sessions: command.sessions.length }, "A node was told to end sessions");
      const told = new Set(command.sessions.map(({ sessionId }) => sessionId));
      await closings.settle(
        nodeId,
        answer.unknown.filter((id) => told.has(id)),
      );
      command = await closings.of(nodeId, command.sessions.at(-1)?.sessionId ?? "");
    }
  }
}
