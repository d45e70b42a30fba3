import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { sql } from "kysely";
import type { Clock } from "#base/clock.ts";
import { migrate } from "#control/store/migrations/migrate.ts";
import { INTEGER, nullable, prepare, TEXT } from "#control/store/prepared.ts";
import type { Queries, Store } from "#control/store/store.ts";

/** An empty store, and what ends it. */
export interface StoreUnderTest extends AsyncDisposable {
  readonly store: Store;
}

const CONCURRENT_WRITERS = 200;
const FUTURE = "9999-from-the-future";

/**
 * What control takes for granted of every database that it runs on. `open` makes an empty store whose clock, where
 * the database has none of its own, is the one given.
 */
export function storeConformance(
  database: string,
  open: (clock: Clock) => Promise<StoreUnderTest>,
  skip: string | false = false,
): void {
  const check = (title: string, body: (store: Store) => Promise<void>) =>
    test(`${database}: ${title}`, { skip }, async () => {
      await using opened = await open({ now: () => Date.now() });
      await body(opened.store);
    });

  check("what was written is read back, with numbers as numbers", async ({ db }) => {
    const row = {
      id: "a",
      name: "Ä ☃ ' \" \\ %",
      role: "admin" as const,
      disabled: 0 as const,
      created_at: 1_700_000_000_123,
    };

    await db.insertInto("accounts").values(row).execute();

    assert.deepEqual({ ...(await db.selectFrom("accounts").selectAll().executeTakeFirst()) }, row);
  });

  check("the database's clock counts milliseconds since 1970", async ({ db, now }) => {
    const before = Date.now();

    const { time } = await db.selectNoFrom(now.as("time")).executeTakeFirstOrThrow();

    assert.equal(typeof time, "number");
    assert.ok(Math.abs(time - before) < 60_000);
  });

  check("a second row with the same key is refused, and known as a duplicate", async (store) => {
    await addProject(store.db, "p1", "one");

    for (const again of [addProject(store.db, "p1", "two"), addProject(store.db, "p2", "one")])
      await assert.rejects(again, (error) => store.isDuplicate(error));
    assert.equal(store.isDuplicate(new Error("something else")), false);
  });

  check("a row that refers to nothing is refused, and is no duplicate", async (store) => {
    const orphan = store.db
      .insertInto("memberships")
      .values({ account_id: "no", project_id: "no" })
      .execute();

    await assert.rejects(orphan, (error) => !store.isDuplicate(error));
  });

  check("what belongs to an account goes with it", async ({ db }) => {
    await addProject(db, "p", "project");
    await addAccount(db, "a");
    await db.insertInto("memberships").values({ account_id: "a", project_id: "p" }).execute();

    await db.deleteFrom("accounts").where("id", "=", "a").execute();

    assert.equal(await countRows(db, "memberships"), 0);
    assert.equal(await countRows(db, "projects"), 1);
  });

  check("an update says how many rows it changed", async ({ db }) => {
    for (const id of ["a", "b", "c"]) await addProject(db, id, id);

    const changed = await db
      .updateTable("projects")
      .set({ created_at: 2 })
      .where("id", "in", ["a", "b"])
      .executeTakeFirst();
    const unchanged = await db
      .updateTable("projects")
      .set({ created_at: 3 })
      .where("id", "=", "none")
      .executeTakeFirst();

    assert.equal(changed.numUpdatedRows, 2n);
    assert.equal(unchanged.numUpdatedRows, 0n);
  });

  check("update and delete return the rows they took", async ({ db }) => {
    await addProject(db, "a", "alpha");

    const updated = await db.updateTable("projects").set({ name: "beta" }).returning("name").execute();
    const deleted = await db.deleteFrom("projects").returning(["id", "name"]).execute();

    assert.deepEqual(
      updated.map((row) => row.name),
      ["beta"],
    );
    assert.deepEqual(
      deleted.map(({ id, name }) => [id, name]),
      [["a", "beta"]],
    );
  });

  check("on conflict, nothing is done or the row is updated", async ({ db }) => {
    const write = async (value: string) =>
      await db
        .insertInto("settings")
        .values({ name: "n", value })
        .onConflict((conflict) => conflict.column("name").doUpdateSet({ value }))
        .execute();
    await write("1");
    await write("2");

    const ignored = await db
      .insertInto("settings")
      .values({ name: "n", value: "3" })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();

    assert.equal(ignored.numInsertedOrUpdatedRows, 0n);
    assert.equal((await db.selectFrom("settings").select("value").executeTakeFirst())?.value, "2");
  });

  check("a transaction that throws leaves nothing behind", async ({ db }) => {
    const failing = db.transaction().execute(async (transaction) => {
      await addProject(transaction, "p", "project");
      throw new Error("called off");
    });

    await assert.rejects(failing, /called off/);
    assert.equal(await countRows(db, "projects"), 0);
  });

  check(
    "what is to be done after a commit is done after it, once, and never where there is none",
    async (store) => {
      const { db } = store;
      const done: string[] = [];
      const note = (what: string) => () => void done.push(what);

      store.afterCommit(db, note("at once"));
      await db.transaction().execute(async (transaction) => {
        await addProject(transaction, "p", "project");
        store.afterCommit(transaction, note("after it"));
        done.push("in it");
      });
      const undone = db.transaction().execute(async (transaction) => {
        store.afterCommit(transaction, note("never"));
        throw new Error("called off");
      });

      await assert.rejects(undone, /called off/);
      assert.deepEqual(done, ["at once", "in it", "after it"]);
    },
  );

  check("of many conditional updates at once exactly one takes the row", async ({ db }) => {
    await db
      .insertInto("join_tokens")
      .values({ hash: "h", uses_left: 1, expires_at: 1, created_at: 1 })
      .execute();
    const take = async () =>
      await db
        .updateTable("join_tokens")
        .set((set) => ({ uses_left: set("uses_left", "-", 1) }))
        .where("hash", "=", "h")
        .where("uses_left", ">", 0)
        .executeTakeFirst();

    const results = await Promise.all(Array.from({ length: CONCURRENT_WRITERS }, take));

    assert.equal(results.filter(({ numUpdatedRows }) => numUpdatedRows === 1n).length, 1);
  });

  check("transactions that lock the same key run one after the other", async ({ db, lock }) => {
    await db
      .insertInto("join_tokens")
      .values({ hash: "h", uses_left: 0, expires_at: 1, created_at: 1 })
      .execute();
    const count = async () =>
      await db.transaction().execute(async (transaction) => {
        await lock(transaction, "counter");
        const { uses_left: before } = await transaction
          .selectFrom("join_tokens")
          .select("uses_left")
          .where("hash", "=", "h")
          .executeTakeFirstOrThrow();
        await addProject(transaction, randomUUID(), randomUUID());
        await transaction
          .updateTable("join_tokens")
          .set({ uses_left: before + 1 })
          .execute();
      });

    await Promise.all(Array.from({ length: 20 }, count));

    const { uses_left } = await db.selectFrom("join_tokens").select("uses_left").executeTakeFirstOrThrow();
    assert.equal(uses_left, 20);
    assert.equal(await countRows(db, "projects"), 20);
  });

  check("a key that is shared may be shared by others", async ({ db, share }) => {
    const shared = Promise.withResolvers<void>();
    const one = db.transaction().execute(async (transaction) => {
      assert.equal(await share(transaction, "key"), true);
      shared.resolve();
    });
    await shared.promise;

    const two = await db.transaction().execute(async (transaction) => await share(transaction, "key"));

    await one;
    assert.equal(two, true);
  });

  check("names are sorted and compared byte by byte", async ({ db }) => {
    const names = ["Zebra", "apple", "Äpfel", "_", "a b", "ab", "👍", "\uffee"];
    for (const name of names) await addProject(db, name, name);

    const sorted = await db.selectFrom("projects").select("name").orderBy("name").execute();
    const after = await db
      .selectFrom("projects")
      .select("name")
      .where("name", ">", "a")
      .orderBy("name")
      .execute();

    const expected = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.deepEqual(
      sorted.map(({ name }) => name),
      expected,
    );
    assert.deepEqual(
      after.map(({ name }) => name),
      expected.slice(expected.indexOf("a b")),
    );
  });

  check("a parameter of a type that a database does not have is refused", async ({ db }) => {
    for (const value of [new Date(), { a: 1 }])
      await assert.rejects(addProject(db, "p", value as unknown as string), TypeError);
  });

  check("a prepared query with all columns is refused: a newer version may add some", async (store) => {
    assert.throws(() => prepare(store, {}, (query) => query.selectFrom("projects").selectAll()), /columns/);
    assert.throws(
      () => prepare(store, {}, (query) => query.selectFrom("projects").selectAll("projects")),
      /columns/,
    );
    assert.throws(
      () => prepare(store, {}, (query) => query.deleteFrom("projects").returningAll()),
      /columns/,
    );
  });

  check("tables of a newer version are worked with while it says that this one may", async (store) => {
    await sql`insert into kysely_migration (name, timestamp) values (${FUTURE}, 'then')`.execute(store.db);

    await migrate(store.db);
    await store.db.updateTable("compatibility").set({ oldest: FUTURE }).execute();

    await assert.rejects(migrate(store.db), /newer version \(9999-from-the-future\)/);
  });

  check("tables of a newer version that went another way are not worked with", async (store) => {
    await sql`delete from kysely_migration where name like '0006-%'`.execute(store.db);
    await sql`insert into kysely_migration (name, timestamp) values (${FUTURE}, 'then')`.execute(store.db);

    await assert.rejects(migrate(store.db), /newer version/);
  });

  check("a prepared query takes its values by name, in any order, null included", async (store) => {
    const { db } = store;
    const kinds = { id: TEXT, name: TEXT, password: nullable(TEXT), at: INTEGER };
    await addProject(db, "p", "project");
    const insert = prepare(store, kinds, (query, { id, name, password, at }) =>
      query.insertInto("machines").values({
        created_at: at,
        password_sealed: password,
        name,
        name_key: name,
        id,
        project_id: "p",
        protocol: "rfb",
        driver: "manual",
        address: "a",
        state: "running",
      }),
    );
    const find = prepare(store, { name: TEXT }, (query, { name }) =>
      query.selectFrom("machines").select(["id", "password_sealed", "created_at"]).where("name", "=", name),
    );

    await insert(db, { at: 7, password: null, name: "one", id: "1" });
    await insert(db, { id: "2", name: "two", password: "sealed", at: 8 });

    assert.deepEqual(
      { ...(await find(db, { name: "one" }))[0] },
      { id: "1", password_sealed: null, created_at: 7 },
    );
    assert.deepEqual(
      { ...(await find(db, { name: "two" }))[0] },
      { id: "2", password_sealed: "sealed", created_at: 8 },
    );
  });

  check("a prepared query runs inside a transaction, and is undone with it", async (store) => {
    const { db } = store;
    const insert = prepare(store, { id: TEXT }, (query, { id }) =>
      query.insertInto("projects").values({ id, name: id, created_at: 1 }),
    );

    await assert.rejects(
      db.transaction().execute(async (transaction) => {
        await insert(transaction, { id: "p" });
        throw new Error("called off");
      }),
    );

    assert.equal(await countRows(db, "projects"), 0);
  });
}

async function addProject(db: Queries, id: string, name: string): Promise<void> {
  await db.insertInto("projects").values({ id, name, created_at: 1 }).execute();
}

async function addAccount(db: Queries, id: string): Promise<void> {
  await db.insertInto("accounts").values({ id, name: id, role: "member", created_at: 1 }).execute();
}

async function countRows(db: Queries, table: "projects" | "memberships"): Promise<number> {
  const { count } = await db
    .selectFrom(table)
    .select((select) => select.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  return Number(count);
}
