import type { Kysely } from "kysely";

/** Since when a node has been heard of without a break: what it has to say of the time before takes it a while. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("nodes").addColumn("heard_since", "bigint").execute();
}
