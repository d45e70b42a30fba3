import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { pino } from "pino";
import { clusterConformance } from "../../../test/conformance/cluster.ts";
import { scratch } from "../../../test/harness/scratch.ts";
import { openSqliteStore } from "../store/sqlite/open.ts";
import { createEmbeddedCluster } from "./embedded.ts";

const log = pino({ level: "silent" });

async function openEmbedded() {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(scratch());
  const store = await openSqliteStore(join(folder.path, "porthole.db"), { now: Date.now });
  opened.defer(async () => await store.close());
  const cluster = createEmbeddedCluster({ afterCommit: store.afterCommit, log });
  opened.defer(async () => await cluster.close());
  const owned = opened.move();
  return { store, cluster, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

clusterConformance("embedded", openEmbedded);

test("what is published in a transaction is heard when it is on disk, not before", async () => {
  await using opened = await openEmbedded();
  const { store, cluster } = opened;
  const committed: unknown[] = [];
  cluster.subscribe("settings", {
    // Read on the connection that sees only what is on disk.
    heard: () =>
      void store.db
        .selectFrom("settings")
        .selectAll()
        .execute()
        .then((rows) => committed.push(...rows)),
    missed() {},
  });

  await store.db.transaction().execute(async (db) => {
    await cluster.publish(db, "settings", "n");
    await db.insertInto("settings").values({ name: "n", value: "1" }).execute();
  });

  await store.db.selectFrom("settings").selectAll().execute();
  assert.equal(committed.length, 1);
});

test("a transaction that is over publishes nothing any more", async () => {
  await using opened = await openEmbedded();
  const { store, cluster } = opened;
  const late = await store.db.transaction().execute(async (db) => db);

  await assert.rejects(cluster.publish(late, "node", "late"), /over|already/);
});
