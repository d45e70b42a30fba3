import type { Kysely } from "kysely";

/** What a machine's console is demanded to have: an account, and TLS. Such a machine has a driver that older versions do not know. */
export async function up(db: Kysely<unknown>): Promise<void> {
  for (const column of ["username", "tls", "client_key_sealed"])
    await db.schema.alterTable("machines").addColumn(column, "text").execute();
}
