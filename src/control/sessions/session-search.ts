import { type Selectable, sql } from "kysely";
import type { Caller, Found, SessionSearch, Window } from "../services.ts";
import type { Queries } from "../store/store.ts";
import { isConsole, isLive, narrowing } from "./conditions.ts";
import type { SessionTable } from "./session-table.ts";

interface Search<Item> {
  readonly caller: Pick<Caller, "role" | "accountId">;
  readonly filter: SessionSearch;
  readonly window: Window;
  readonly item: (row: Selectable<SessionTable>) => Item;
}

/** Sessions by number of page, newest first. Whoever is no administrator finds those of its own account. */
export async function searchSessions<Item>(
  db: Queries,
  { caller, filter, window, item }: Search<Item>,
): Promise<Found<Item>> {
  const { count } = await sessionsThatMatch(db, { caller, filter })
    .select((select) => select.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  const rows = await searchQuery(db, { caller, filter, window }).execute();
  return { count, items: rows.map(item) };
}

/** The statement behind a page. Each of its forms is answered by an index: see the test. */
export function searchQuery(db: Queries, { caller, filter, window }: Omit<Search<unknown>, "item">) {
  return sessionsThatMatch(db, { caller, filter })
    .selectAll()
    .orderBy("id", "desc")
    .limit(window.size)
    .offset(window.first);
}

function sessionsThatMatch(db: Queries, { caller, filter }: Pick<Search<unknown>, "caller" | "filter">) {
  const { id, accountId, machineId, creatorAddress, viewerAddress, createdFrom, createdTo, redeemed } =
    filter;
  const ownAccountId = caller.role === "admin" ? undefined : caller.accountId;
  const column = redeemed === "open" ? narrowing : sql.ref<string>;
  let query = db.selectFrom("sessions").where(isConsole);
  const equal = {
    id,
    machine_id: machineId,
    creator_address: creatorAddress,
    viewer_address: viewerAddress,
  } as const;
  for (const [name, value] of Object.entries(equal))
    if (value !== undefined) query = query.where(column(name), "=", value);
  // Both may be given: then they must be the same, or there is nothing.
  for (const account of [accountId, ownAccountId])
    if (account !== undefined) query = query.where(column("account_id"), "=", account);
  if (createdFrom !== undefined) query = query.where("created_at", ">=", createdFrom);
  if (createdTo !== undefined) query = query.where("created_at", "<=", createdTo);
  if (redeemed !== undefined) query = query.where("redeemed_at", "is not", null);
  if (redeemed === "open") query = query.where(isLive);
  return query;
}
