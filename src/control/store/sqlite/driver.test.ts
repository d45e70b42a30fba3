import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
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

test("a commit that fails fails for all who took part, and lets the next in one after the other", async () => {
  const { driver, values } = failing();
  const order: string[] = [];
  const transaction = async (value: string, during: () => Promise<unknown>) => {
    const connection = await driver.acquireConnection();
    await driver.beginTransaction(connection);
    order.push(`${value} begins`);
    await connection.executeQuery(insert(value));
    await during();
    order.push(`${value} ends`);
    await driver.commitTransaction(connection);
  };
  /** Longer than a batch is open for those who come. */
  const aWhile = async () => {
    for (let round = 0; round < 20; round += 1) await setImmediate();
  };
  const leave = Promise.withResolvers<void>();

  // While the first one holds its turn, the others queue up: the writes, then the commit, then who comes late.
  const first = transaction("first", async () => await leave.promise);
  await setImmediate();
  const writes = ["a", "b", "c"].map((value) => driver.run(insert(value)));
  await aWhile();
  const late = ["x", "y", "z"].map((value) => transaction(value, aWhile));
  await aWhile();
  leave.resolve();

  const failed = await Promise.allSettled([first, ...writes]);
  await Promise.all(late);
  assert.ok(failed.every(({ status }) => status === "rejected"));
  assert.deepEqual(
    order,
    ["first", "x", "y", "z"].flatMap((value) => [`${value} begins`, `${value} ends`]),
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
