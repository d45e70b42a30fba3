import type { Log } from "#base/process/log.ts";
import type { Audit } from "../audit/audit.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { requireAdministrator } from "../rights.ts";
import type { TicketKeys } from "../services.ts";
import type { Store } from "../store/store.ts";
import type { KeyGenerations } from "./key-generations.ts";

/** Ticket keys as administrators see them, and change them. */
export function createKeyRotation({
  store,
  audit,
  cluster,
  log,
  generations,
}: {
  readonly audit: Audit;
  readonly store: Store;
  readonly cluster: Cluster;
  readonly log: Log;
  readonly generations: KeyGenerations;
}): TicketKeys {
  const list = async () => {
    const rows = await store.db.selectFrom("ticket_keys").selectAll().orderBy("generation", "desc").execute();
    const held = await store.db
      .selectFrom("nodes")
      .select("ticket_generation")
      .select((select) => select.fn.countAll<number>().as("nodes"))
      .where("incarnation", "is not", null)
      .groupBy("ticket_generation")
      .execute();
    return rows.map((row) => ({
      generation: row.generation,
      createdAt: new Date(row.created_at).toISOString(),
      nodes: Number(held.find(({ ticket_generation }) => ticket_generation === row.generation)?.nodes ?? 0),
      ...(row.retiring_at === null ? {} : { retiringSince: new Date(row.retiring_at).toISOString() }),
    }));
  };

  return {
    async list(caller) {
      requireAdministrator(caller);
      return await list();
    },

    async rotate(caller) {
      requireAdministrator(caller);
      const generation = await store.db.transaction().execute(async (db) => {
        const added = await generations.add(db);
        const nodes = await db
          .selectFrom("nodes")
          .select("id")
          .where("incarnation", "is not", null)
          .execute();
        // Nodes are told at once; one that is not there is told when it is heard of.
        for (const { id } of nodes) await cluster.publish(db, "node", id);
        await audit.record(db, { action: "ticket-key.rotate", by: caller, detail: String(added) });
        return added;
      });
      log.info({ generation, account: caller.name }, "Ticket keys rotated");
      return await list();
    },
  };
}
