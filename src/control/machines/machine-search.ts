import type { ExpressionBuilder, ExpressionWrapper, SqlBool } from "kysely";
import type { Caller, Found, MachineSearch, Window } from "../services.ts";
import type { Schema } from "../store/schema.ts";
import type { Queries } from "../store/store.ts";
import { contains } from "./listing.ts";
import { type MachineRow, selectMachines } from "./machine-row.ts";

interface Search<Item> {
  readonly caller: Pick<Caller, "role" | "projectIds">;
  readonly filter: MachineSearch;
  readonly window: Window;
  readonly item: (row: MachineRow) => Item;
}

/** Machines by number of page, in the order of their names; members find those of their projects. */
export async function searchMachines<Item>(
  db: Queries,
  { caller, filter, window, item }: Search<Item>,
): Promise<Found<Item>> {
  const condition = matching(filter, caller.role === "admin" ? undefined : caller.projectIds);
  const { count } = await db
    .selectFrom("machines")
    .select((select) => select.fn.countAll<number>().as("count"))
    .where(condition)
    .executeTakeFirstOrThrow();
  const rows = await selectMachines(db)
    .where(condition)
    .orderBy("machines.name_key")
    .orderBy("machines.id")
    .limit(window.size)
    .offset(window.first)
    .execute();
  return { count, items: rows.map(item) };
}

type Where = ExpressionBuilder<Schema, "machines">;

function matching({ ids, keywords = [], projectId, state }: MachineSearch, projects?: readonly string[]) {
  return (where: Where): ExpressionWrapper<Schema, "machines", SqlBool> =>
    where.and([
      ...(projects === undefined ? [] : [isOneOf(where, "machines.project_id", projects)]),
      ...(ids === undefined ? [] : [isOneOf(where, "machines.id", ids)]),
      ...keywords.filter((keyword) => keyword !== "").map((keyword) => contains(keyword)),
      ...(projectId === undefined ? [] : [where("machines.project_id", "=", projectId)]),
      ...(state === undefined ? [] : [where("machines.state", "=", state)]),
    ]);
}

/** An empty list cannot be written down in every database. */
function isOneOf(where: Where, column: "machines.id" | "machines.project_id", values: readonly string[]) {
  return values.length === 0 ? where.lit(false) : where(column, "in", values);
}
