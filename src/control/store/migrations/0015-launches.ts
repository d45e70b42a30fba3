import { type Kysely, sql } from "kysely";

/** Nodes that control launches by itself. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("launches")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("pool", "text", (column) => column.notNull())
    .addColumn("launcher", "text", (column) => column.notNull())
    .addColumn("scope", "text", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("node_id", "text")
    .addColumn("joins_as", "text")
    .addColumn("failure", "text")
    .addColumn("starts", "integer", (column) => column.notNull().defaultTo(0))
    .addColumn("ordered_at", "bigint", (column) => column.notNull())
    .addColumn("launched_at", "bigint")
    .addColumn("joined_at", "bigint")
    .addColumn("started_at", "bigint")
    .addColumn("ended_at", "bigint")
    .execute();
  await sql`create index launches_live on launches (pool) where ended_at is null`.execute(db);
  await db.schema.createIndex("launches_by_age").on("launches").columns(["pool", "ordered_at"]).execute();
  // INVARIANT: a node belongs to one order at most.
  await sql`create unique index launches_by_node on launches (node_id) where node_id is not null`.execute(db);
  await db.schema.alterTable("join_tokens").addColumn("launch_id", "text").execute();
  await db.schema.alterTable("nodes").addColumn("joined_as", "text").execute();
}
