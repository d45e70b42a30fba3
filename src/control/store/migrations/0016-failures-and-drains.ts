import type { Kysely } from "kysely";

/** When an order failed, and which drain of its node is control's own. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("launches").addColumn("failed_at", "bigint").execute();
  await db.schema.alterTable("launches").addColumn("drain_revision", "integer").execute();
}
