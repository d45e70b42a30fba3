import type { NodeTicketKey } from "#wire/link.ts";
import type { TicketKey } from "#wire/ticket.ts";
import type { KeyGenerations } from "./key-generations.ts";
import { createTicketKeys, type DerivedTicketKey } from "./ticket-keys.ts";

/** The ticket keys of each start of each node. */
export interface NodeKeys {
  /** All that it is to hold, the newest first. */
  of(
    nodeId: string,
    incarnation: string,
  ): Promise<{ readonly newest: NodeTicketKey; readonly all: NodeTicketKey[] }>;
  /** The same, for control to open a ticket itself. */
  opening(nodeId: string, incarnation: string): Promise<readonly TicketKey[]>;
  /** The one that seals its tickets. */
  sealing(node: {
    readonly id: string;
    readonly incarnation: string;
    readonly ticketGeneration: number;
  }): Promise<TicketKey>;
}

export function createNodeKeys(generations: KeyGenerations): NodeKeys {
  const derive = createTicketKeys();
  return {
    async of(nodeId, incarnation) {
      const all = (await generations.all()).map((from) => toNode(derive(from, nodeId, incarnation)));
      const [newest] = all;
      if (newest === undefined) throw new Error("there is no generation of ticket keys");
      return { newest, all };
    },

    async opening(nodeId, incarnation) {
      return (await generations.all()).map((from) => derive(from, nodeId, incarnation));
    },

    async sealing({ id, incarnation, ticketGeneration }) {
      return derive(await generations.one(ticketGeneration), id, incarnation);
    },
  };
}

function toNode({ generation, kid, key }: DerivedTicketKey): NodeTicketKey {
  return { generation, kid, key: Buffer.from(key).toString("base64url") };
}
