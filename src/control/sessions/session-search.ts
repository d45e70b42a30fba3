import type { Selectable } from "kysely";
import type { Caller, Found, SessionSearch, Window } from "../services.ts";
import type { SessionTable } from "../store/schema.ts";
import type { Queries } from "../store/store.ts";
import { isConsole, isLive } from "./conditions.ts";

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
  const matching = sessionsThatMatch(db, {
    ...filter,
    ...(caller.role === "admin" ? {} : { ownAccountId: caller.accountId }),
  });
  const { count } = await matching
    .select((select) => select.fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  const rows = await matching
    .selectAll()
    .orderBy("id", "desc")
    .limit(window.size)
    .offset(window.first)
    .execute();
  return { count, items: rows.map(item) };
}

function sessionsThatMatch(
  db: Queries,
  {
    id,
    accountId,
    ownAccountId,
    machineId,
    creatorAddress,
    viewerAddress,
    createdFrom,
    createdTo,
    redeemed,
  }: SessionSearch & { readonly ownAccountId?: string },
) {
  let query = db.selectFrom("sessions").where(isConsole);
  const equal = {
    id,
    machine_id: machineId,
    creator_address: creatorAddress,
    viewer_address: viewerAddress,
  } as const;
  for (const [column, value] of Object.entries(equal))
    if (value !== undefined) query = query.where(column as keyof typeof equal, "=", value);
  // Both may be given: then they must be the same, or there is nothing.
  for (const account of [accountId, ownAccountId])
    if (account !== undefined) query = query.where("account_id", "=", account);
  if (createdFrom !== undefined) query = query.where("created_at", ">=", createdFrom);
  if (createdTo !== undefined) query = query.where("created_at", "<=", createdTo);
  if (redeemed !== undefined) query = query.where("redeemed_at", "is not", null);
  if (redeemed === "open") query = query.where(isLive);
  return query;
}
