import { randomUUID } from "node:crypto";
import { writeSync } from "node:fs";
import { systemClock } from "#base/clock.ts";
import { openSqliteStore } from "#control/store/sqlite/open.ts";

/**
 * Writes to the database that its command line names until it is killed, and says on standard output what it has
 * acknowledged: `insert NAME` and `update NAME VALUE`, each after the write and before the next one.
 */
const [file = ""] = process.argv.slice(2);
const { db } = await openSqliteStore(file, systemClock);
acknowledge("ready");
for (let turn = 1; ; turn++) {
  const name = randomUUID();
  await db.insertInto("settings").values({ name, value: "0" }).execute();
  acknowledge(`insert ${name}`);
  await db.transaction().execute(async (transaction) => {
    await transaction.updateTable("settings").set({ value: "half" }).where("name", "=", name).execute();
    await transaction
      .updateTable("settings")
      .set({ value: String(turn) })
      .where("name", "=", name)
      .execute();
  });
  acknowledge(`update ${name} ${turn}`);
}

/** Straight into the pipe: what a killed process had buffered would be lost, and with it the acknowledgement. */
function acknowledge(line: string): void {
  writeSync(1, `${line}\n`);
}
