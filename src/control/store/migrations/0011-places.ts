import { type Kysely, sql } from "kysely";

/** Places of sessions on their nodes, and nodes that take no more sessions. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("sessions").addColumn("place", "integer").execute();
  // INVARIANT: no two sessions that live have one place of a node, so a node never has more than it has places.
  // It finds what lives on a node, too: it takes the place of the index that did so before.
  await sql`create unique index sessions_places on sessions (node_id, place) where state <> 'ended'`.execute(
    db,
  );
  await sql`drop index sessions_live_by_node`.execute(db);
  await db.schema.alterTable("nodes").addColumn("draining_at", "bigint").execute();
}
