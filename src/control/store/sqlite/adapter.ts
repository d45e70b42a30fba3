import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import type { SqliteDatabase, SqliteStatement } from "kysely";
import { rowMaker } from "../row-maker.ts";

const limits = {
  /** Statements kept prepared. Ours are a fixed set, but lists in conditions make variants of some. */
  preparedStatements: 256,
} as const;

/** Lets Kysely's SQLite dialect, which is made for better-sqlite3, run on node:sqlite. */
export function adaptDatabase(database: DatabaseSync): SqliteDatabase {
  const prepared = new Map<string, SqliteStatement>();
  return {
    prepare(sql) {
      const known = prepared.get(sql);
      if (known !== undefined) return known;
      const statement = adaptStatement(database.prepare(sql));
      for (const [oldest] of prepared) {
        if (prepared.size < limits.preparedStatements) break;
        prepared.delete(oldest);
      }
      prepared.set(sql, statement);
      return statement;
    },
    close() {
      prepared.clear();
      database.close();
    },
  };
}

function adaptStatement(statement: StatementSync): SqliteStatement {
  const names = statement.columns().map(({ name }) => name);
  // The objects that node:sqlite makes by itself are slow to make, and to read: it gives them their columns one by one, as a map.
  statement.setReturnArrays(true);
  const make = rowMaker<SQLOutputValue>(names);
  const toRow = (values: unknown) => make(values as readonly SQLOutputValue[]);
  return {
    reader: names.length > 0,
    all: (parameters) => statement.all(...checked(parameters)).map(toRow),
    run: (parameters) => statement.run(...checked(parameters)),
    iterate: (parameters) => statement.iterate(...checked(parameters)).map(toRow),
  };
}

/**
 * INVARIANT: only values that SQLite has reach a statement. A `Date` or an object as first parameter would be
 * taken for a set of named parameters, silently, and the statement would run without it.
 */
function checked(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters.map((parameter, index) => {
    if (isInputValue(parameter)) return parameter;
    throw new TypeError(`parameter ${index + 1} of a statement is of a type that the database does not have`);
  });
}

function isInputValue(value: unknown): value is SQLInputValue {
  switch (typeof value) {
    case "string":
    case "number":
    case "bigint":
      return true;
    default:
      return value === null || value instanceof Uint8Array;
  }
}
