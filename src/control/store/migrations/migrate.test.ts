import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { Kysely, SqliteDialect } from "kysely";
import { Migrator } from "kysely/migration";
import { adaptDatabase } from "../sqlite/adapter.ts";
import { MIGRATIONS } from "./migrate.ts";

interface Column {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly dflt_value: string | null;
}

/** A replica of the version before goes on reading and writing while a newer one has been here already. */
test("no migration takes a table or a column away, and none adds a column that an older version had to fill", async () => {
  using database = new DatabaseSync(":memory:");
  const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: adaptDatabase(database) }) });
  const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
  let before = tablesOf(database);

  for (const name of Object.keys(MIGRATIONS).sort()) {
    const { error } = await migrator.migrateTo(name);
    assert.equal(error, undefined, name);
    const after = tablesOf(database);

    for (const [table, columns] of before) {
      const now = after.get(table) ?? assert.fail(`${name} takes ${table} away`);
      for (const [column, { type, notnull }] of columns)
        assert.deepEqual(
          [now.get(column)?.type, now.get(column)?.notnull],
          [type, notnull],
          `${name} changes ${table}.${column}`,
        );
      for (const [column, { notnull, dflt_value: fallback }] of now)
        assert.ok(
          columns.has(column) || notnull === 0 || fallback !== null,
          `${name} demands ${table}.${column}`,
        );
    }
    before = after;
  }

  assert.ok(before.size > Object.keys(MIGRATIONS).length / 2, "there are tables");
});

function tablesOf(database: DatabaseSync): Map<string, Map<string, Column>> {
  const tables = database.prepare("select name from sqlite_master where type = 'table'").all() as {
    name: string;
  }[];
  return new Map(tables.map(({ name }) => [name, columnsOf(database, name)]));
}

function columnsOf(database: DatabaseSync, table: string): Map<string, Column> {
  const columns = database.prepare(`pragma table_info(${table})`).all() as unknown as Column[];
  return new Map(columns.map((column) => [column.name, column]));
}
