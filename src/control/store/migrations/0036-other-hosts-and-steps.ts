import type { Kysely } from "kysely";

/** Which hypervisor it was whose machines are on record, and in which step a console failed. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable("hypervisors").addColumn("identity", "text").execute();
  await db.schema.alterTable("sessions").addColumn("ending_step", "text").execute();
}
