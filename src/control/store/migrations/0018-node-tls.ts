import type { Kysely } from "kysely";

/** Where nodes are found by TLS, and which certificate each has said that it serves. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const name of [
    "secure_page_origin",
    "secure_web_socket_origin",
    "certificate_incarnation",
    "certificate_id",
    "certificate_names",
    "certificate_refused",
    "certificate_problem",
  ])
    await db.schema.alterTable("nodes").addColumn(name, "text").execute();
  await db.schema.alterTable("nodes").addColumn("certificate_not_after", "bigint").execute();
  await db.schema
    .alterTable("nodes")
    .addColumn("certificate_settled", "integer", (column) => column.notNull().defaultTo(1))
    .execute();
}
