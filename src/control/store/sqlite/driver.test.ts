import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { CompiledQuery } from "kysely";
import { adaptDatabase } from "./adapter.ts";
import { GroupCommitDriver } from "./driver.ts";

/** A driver whose next commit fails, as on a full disk. */
function failing() {
  const database = new DatabaseSync(":memory:");
  database.exec("create table t (value text unique)");
  const adapted = adaptDatabase(database);
  let isFull = true;
  const driver = new GroupCommitDriver({
    writer: {
      exec(sql) {
        const fails = sql === "commit" && isFull;
        if (fails) isFull = false;
        if (fails) throw new Error("disk full");
        database.exec(sql);
      },
      get isTransaction() {
        return database.isTransaction;
      },
    },
    writing: adapted,
    reading: adapted,
  });
  const values = () =>
    database
      .prepare("select value from t order by value")
      .all()
      .map(({ value }) => value);
  return { driver, values };
}

const insert = (value: string) => CompiledQuery.raw("insert into t values (?)", [value]);

test("a commit that fails fails for all who took part, and gives each turn away once", async () => {
  const { driver, values } = failing();

  const written = await Promise.allSettled(["a", "b", "c"].map((value) => driver.run(insert(value))));

  assert.deepEqual(
    written.map(({ status }) => status),
    ["rejected", "rejected", "rejected"],
  );
  const order: string[] = [];
  await Promise.all(
    ["x", "y", "z"].map(async (value) => {
      const connection = await driver.acquireConnection();
      await driver.beginTransaction(connection);
      order.push(`${value} begins`);
      await connection.executeQuery(insert(value));
      await Promise.resolve();
      order.push(`${value} ends`);
      await driver.commitTransaction(connection);
    }),
  );
  assert.deepEqual(
    order,
    ["x", "y", "z"].flatMap((value) => [`${value} begins`, `${value} ends`]),
  );
  assert.deepEqual(values(), ["x", "y", "z"]);
});

test("a statement that fails leaves its neighbours of the same commit as they are", async () => {
  const { driver, values } = failing();
  await assert.rejects(driver.run(insert("lost")), /disk full/);

  const [one, twice] = await Promise.allSettled([driver.run(insert("one")), driver.run(insert("one"))]);

  assert.deepEqual([one.status, twice.status], ["fulfilled", "rejected"]);
  assert.deepEqual(values(), ["one"]);
});
