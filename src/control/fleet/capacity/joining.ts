import type { Queries, Store } from "../../store/store.ts";

/** Makes the node the order's. False where the order has one already, or is not waited for any more. */
export async function noteJoined(
  db: Queries,
  {
    launchId,
    nodeId,
    now,
  }: { readonly launchId: string; readonly nodeId: string; readonly now: Store["now"] },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable("launches")
    .set({ state: "joined", node_id: nodeId, joined_at: now })
    .where("id", "=", launchId)
    .where("node_id", "is", null)
    .where("state", "in", ["ordered", "launched"])
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
