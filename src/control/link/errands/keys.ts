import { Compile } from "typebox/schema";
import type { Log } from "#base/process/log.ts";
import { KeysAnswer, type KeysCommand } from "#wire/link.ts";
import { INTEGER, prepare, TEXT } from "../../store/prepared.ts";
import type { Store } from "../../store/store.ts";
import type { NodeKeys } from "../../tickets/node-keys.ts";
import type { Errand } from "../commands.ts";

const keysAnswer = Compile(KeysAnswer);

/** A generation of ticket keys that the node does not hold yet. From its answer on the node's tickets are sealed with it. */
export function createKeysErrand({
  store,
  nodeKeys,
  log,
}: {
  readonly store: Store;
  readonly nodeKeys: NodeKeys;
  readonly log: Log;
}): Errand {
  const find = prepare(store, { nodeId: TEXT }, (db, slots) =>
    db
      .selectFrom("nodes")
      .select("incarnation")
      .where("id", "=", slots.nodeId)
      .where("incarnation", "is not", null)
      .where("ticket_generation", "<", (select) =>
        select.selectFrom("ticket_keys").select((keys) => keys.fn.max<number>("generation").as("newest")),
      ),
  );
  const note = prepare(store, { nodeId: TEXT, incarnation: TEXT, generation: INTEGER }, (db, slots) =>
    db
      .updateTable("nodes")
      .set({ ticket_generation: slots.generation })
      .where("id", "=", slots.nodeId)
      .where("incarnation", "=", slots.incarnation),
  );

  return async (nodeId, tell) => {
    const [node] = await find(store.db, { nodeId });
    if (node === undefined || node.incarnation === null) return;
    const { incarnation } = node;
    const { all } = await nodeKeys.of(nodeId, incarnation);
    const command: KeysCommand = { incarnation, ticketKeys: all };
    const answer = await tell("keys", command);
    if (!keysAnswer.Check(answer)) throw new Error("what a node answers is not of the link");
    await note(store.db, { nodeId, incarnation, generation: answer.ticketGeneration });
    log.debug({ nodeId, generation: answer.ticketGeneration }, "A node holds a new ticket key");
  };
}
