import { type Compilable, CompiledQuery, type RawBuilder, sql } from "kysely";
import type { Queries, Store } from "./store.ts";

declare const valueType: unique symbol;

/** What a value of a prepared query is: TEXT, INTEGER, or `nullable()` of these. */
interface Kind<Value> {
  readonly [valueType]?: Value;
}

export const TEXT: Kind<string> = {};
export const INTEGER: Kind<number> = {};

export function nullable<Value>(_kind: Kind<Value>): Kind<Value | null> {
  return {};
}

/** A value that is still of any type, for enumerations: `of<Role>()`. */
export function of<Value extends string | number>(): Kind<Value> {
  return {};
}

type Kinds = Readonly<Record<string, Kind<unknown>>>;
type ValueOf<K> = K extends Kind<infer Value> ? Value : never;
/** What stands for the values while a query is built. */
export type Slots<Named extends Kinds> = { readonly [Name in keyof Named]: RawBuilder<ValueOf<Named[Name]>> };
/** What a prepared query is run with. */
export type ValuesOf<Named extends Kinds> = { readonly [Name in keyof Named]: ValueOf<Named[Name]> };

/** Stands in a compiled query's parameters where a value comes at run time. */
class Slot {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Runs a prepared query on the database or in a transaction. */
export type Prepared<Named extends Kinds, Row> = (db: Queries, values: ValuesOf<Named>) => Promise<Row[]>;

/**
 * Builds and compiles a query once, for statements on the way of every console that is opened: building costs
 * five times as much as running. Statements without `returning` answer no rows.
 */
export function prepare<const Named extends Kinds, Row>(
  { db, run }: Pick<Store, "db" | "run">,
  kinds: Named,
  build: (db: Queries, values: Slots<Named>) => Compilable<Row>,
): Prepared<Named, Row> {
  const slots = Object.fromEntries(Object.keys(kinds).map((name) => [name, sql`${new Slot(name)}`]));
  const compiled = build(db, slots as Slots<Named>).compile();
  // PostgreSQL refuses a prepared statement whose columns have changed, as by a newer version beside this one.
  if (/(?:select|returning|"\.) ?\*/.test(compiled.sql))
    throw new Error("a prepared query names its columns");
  return async (executor, values) => {
    const named: Readonly<Record<string, unknown>> = values;
    const parameters = compiled.parameters.map((parameter) =>
      parameter instanceof Slot ? named[parameter.name] : parameter,
    );
    return await run(executor, CompiledQuery.raw(compiled.sql, parameters) as CompiledQuery<Row>);
  };
}
