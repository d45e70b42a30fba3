import { type SelectQueryBuilder, sql } from "kysely";
import type { Store } from "./store.ts";

/**
 * For `$call` on a query, which is to be sorted: the rows of that table that it finds stay as they are to the
 * transaction's end, and are taken in the query's order, so that two who take the same do not wait for each other. A row
 * that somebody else is changing is waited for, and judged as it is then. Where transactions take turns, nothing needs to
 * be held.
 */
export function held({ transactionsAtOnce }: Pick<Store, "transactionsAtOnce">, table: string) {
  return <DB, Table extends keyof DB, Row>(query: SelectQueryBuilder<DB, Table, Row>) =>
    transactionsAtOnce > 1 ? query.modifyEnd(sql`for no key update of ${sql.table(table)}`) : query;
}
