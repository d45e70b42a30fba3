import type { Kysely } from "kysely";
import { DEFAULT_POOL } from "#wire/api.ts";

/** Pools of nodes, and how the nodes of one pool reach each other. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of ["nodes", "join_tokens", "machines"])
    await db.schema
      .alterTable(table)
      .addColumn("pool", "text", (column) => column.notNull().defaultTo(DEFAULT_POOL))
      .execute();
  await db.schema.alterTable("nodes").addColumn("forward_address", "text").execute();
  await db.schema
    .alterTable("nodes")
    .addColumn("shares_address", "integer", (column) => column.notNull().defaultTo(0))
    .execute();
}
