import { type Kysely, sql } from "kysely";

/** What is to become of nodes that take no new sessions, and the asynchronous jobs of the CloudStack API. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const columns = [
    ["drain_outcome", "text"],
    ["drain_deadline", "bigint"],
    ["drain_incarnation", "text"],
  ] as const;
  for (const [name, type] of columns) await db.schema.alterTable("nodes").addColumn(name, type).execute();
  for (const name of ["drain_warns", "drain_revision", "drain_seen"])
    await db.schema
      .alterTable("nodes")
      .addColumn(name, "integer", (column) => column.notNull().defaultTo(0))
      .execute();
  // Nearly all nodes take sessions.
  await sql`create index nodes_draining on nodes (draining_at) where draining_at is not null`.execute(db);
  await db.schema
    .createTable("node_jobs")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("account_id", "text", (column) => column.notNull())
    .addColumn("command", "text", (column) => column.notNull())
    .addColumn("node_id", "text", (column) => column.notNull())
    .addColumn("drain_revision", "integer", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("node_jobs_by_age").on("node_jobs").column("created_at").execute();
}
