import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { sql } from "kysely";
import { systemClock } from "#base/clock.ts";
import { openSqliteStore } from "#control/store/sqlite/open.ts";
import { eventually } from "../harness/eventually.ts";
import { firstLine, startProcess } from "../harness/process.ts";
import { scratch } from "../harness/scratch.ts";

const KILLS = 25;
/** From its first write on a writer lives for a random part of this: long enough for hundreds of writes. */
const LONGEST_LIFE_MS = 150;

test(`nothing that was acknowledged is lost when its writer is killed, ${KILLS} times`, async () => {
  await using folder = scratch();
  const file = join(folder.path, "porthole.db");
  const acknowledged = new Map<string, string>();

  for (let kill = 0; kill < KILLS; kill++) {
    const before = acknowledged.size;
    for (const [name, value] of await writeUntilKilled(file)) acknowledged.set(name, value);
    assert.ok(acknowledged.size > before, "the writer wrote before it was killed");

    const found = await readAll(file);

    for (const [name, value] of acknowledged) {
      const there = found.get(name);
      // The update that came after an acknowledged insert may be there or not; half of it may not.
      assert.ok(
        there === value || (value === "0" && there !== undefined && there !== "half"),
        `${name}: ${there}`,
      );
    }
  }
});

/** Resolves to the rows that the writer acknowledged, with the last value of each. */
async function writeUntilKilled(file: string): Promise<Map<string, string>> {
  await using writer = await startProcess(process.execPath, ["test/harness/store-writer.ts", file]);
  await firstLine(writer);
  await eventually(() => assert.match(writer.stdout.text, /^(?!ready).+\n/m, "it has written"));
  // Not a wait for something: the moment of death is what is random here.
  await delay(Math.random() * LONGEST_LIFE_MS + 10);
  assert.equal(await writer.stop("SIGKILL"), "SIGKILL");

  const rows = new Map<string, string>();
  for (const line of writer.stdout.text.split("\n").slice(0, -1)) {
    const [what, name = "", value = "0"] = line.split(" ");
    if (what !== "ready") rows.set(name, value);
  }
  return rows;
}

async function readAll(file: string): Promise<Map<string, string>> {
  const store = await openSqliteStore(file, systemClock);
  try {
    const { rows } = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(store.db);
    assert.deepEqual(
      rows.map((row) => row.integrity_check),
      ["ok"],
    );
    const settings = await store.db.selectFrom("settings").selectAll().execute();
    return new Map(settings.map(({ name, value }) => [name, value]));
  } finally {
    await store.close();
  }
}
