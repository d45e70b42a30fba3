import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { GroupCommit } from "./group-commit.ts";

/** A database whose transactions are watched, and can be made to fail. */
class WatchedDatabase {
  readonly database = new DatabaseSync(":memory:");
  readonly said: string[] = [];
  failing: string | undefined;

  constructor() {
    this.database.exec("create table t (value text unique)");
  }

  get isTransaction(): boolean {
    return this.database.isTransaction;
  }

  exec(sql: string): void {
    this.said.push(sql);
    if (sql === this.failing) throw new Error(`${sql} failed`);
    this.database.exec(sql);
  }

  insert(value: string): void {
    this.database.prepare("insert into t values (?)").run(value);
  }

  values(): unknown[] {
    return this.database
      .prepare("select value from t order by value")
      .all()
      .map(({ value }) => value);
  }
}

function watched() {
  const database = new WatchedDatabase();
  const commits = new GroupCommit(database);
  const write = async (value: string) => {
    const turn = await commits.begin("several statements");
    turn.run(() => database.insert(value));
    await turn.end("keep");
  };
  return { database, commits, write };
}

test("writes that come at once are committed once", async () => {
  const { database, write } = watched();

  await Promise.all(["a", "b", "c"].map(write));

  assert.deepEqual(database.values(), ["a", "b", "c"]);
  assert.equal(database.said.filter((sql) => sql === "commit").length, 1);
});

test("writes that come one after the other are committed one by one", async () => {
  const { database, write } = watched();

  for (const value of ["a", "b"]) await write(value);

  assert.equal(database.said.filter((sql) => sql === "commit").length, 2);
});

test("nobody is told of a write before it is committed", async () => {
  const { database, write } = watched();

  await Promise.all(
    ["a", "b"].map(async (value) => {
      await write(value);
      database.said.push("told");
    }),
  );

  assert.deepEqual(database.said.slice(-3), ["commit", "told", "told"]);
});

test("a turn that is undone leaves nothing, and its neighbours stay", async () => {
  const { database, commits, write } = watched();
  const undone = async () => {
    const turn = await commits.begin("several statements");
    turn.run(() => database.insert("undone"));
    await turn.end("undo");
  };

  await Promise.all([write("a"), undone(), write("b")]);

  assert.deepEqual(database.values(), ["a", "b"]);
  assert.equal(database.said.filter((sql) => sql === "commit").length, 1);
});

test("one turn ends before the next begins, in the order of asking", async () => {
  const { commits } = watched();
  const order: string[] = [];
  const take = async (name: string) => {
    const turn = await commits.begin("several statements");
    order.push(`${name} begins`);
    await Promise.resolve();
    order.push(`${name} ends`);
    await turn.end("keep");
  };

  await Promise.all(["a", "b", "c"].map(take));

  assert.deepEqual(
    order,
    ["a", "b", "c"].flatMap((name) => [`${name} begins`, `${name} ends`]),
  );
});

test("a transaction that is still going on is waited for, and committed whole", async () => {
  const { database, commits, write } = watched();
  const turn = await commits.begin("several statements");
  turn.run(() => database.insert("first half"));
  const other = write("other");
  await new Promise((resolve) => setImmediate(resolve));

  turn.run(() => database.insert("second half"));
  assert.ok(!database.said.includes("commit"));
  await Promise.all([turn.end("keep"), other]);

  assert.deepEqual(database.values(), ["first half", "other", "second half"]);
});

for (const step of ["commit", "release turn"]) {
  test(`when “${step}” fails, everybody who took part is told so and nothing is there`, async () => {
    const { database, commits, write } = watched();
    database.failing = step;

    const results = await Promise.allSettled([write("a"), write("b")]);

    assert.deepEqual(
      results.map(({ status }) => status),
      ["rejected", "rejected"],
    );
    database.failing = undefined;
    assert.deepEqual(database.values(), []);

    await write("afterwards");
    await commits.settled();
    assert.deepEqual(database.values(), ["afterwards"]);
  });
}

test("when a transaction cannot begin, its caller is told, and the next one gets its turn", async () => {
  const { database, write } = watched();
  database.failing = "begin immediate";
  await assert.rejects(write("a"), /begin immediate failed/);
  database.failing = undefined;

  await write("b");

  assert.deepEqual(database.values(), ["b"]);
});

test("what SQLite undoes by itself takes the whole batch with it, and nothing is written behind it", async () => {
  const { database, commits, write } = watched();
  const neighbour = write("a");
  const turn = await commits.begin("several statements");
  const undoing = () => database.database.exec("insert or rollback into t values ('a')");

  assert.throws(() => turn.run(undoing), /UNIQUE/);
  assert.throws(() => turn.run(() => database.insert("behind")), /has undone the transaction/);
  await assert.rejects(turn.end("undo"), /UNIQUE/);
  await assert.rejects(neighbour, /UNIQUE/);

  assert.deepEqual(database.values(), []);
  await write("afterwards");
  assert.deepEqual(database.values(), ["afterwards"]);
});

test("a statement that fails is its caller's affair alone", async () => {
  const { database, commits, write } = watched();
  const twice = async () => {
    const turn = await commits.begin("several statements");
    try {
      turn.run(() => database.insert("a"));
    } catch {
      await turn.end("undo");
    }
  };

  await Promise.all([write("a"), twice(), write("b")]);

  assert.deepEqual(database.values(), ["a", "b"]);
});
