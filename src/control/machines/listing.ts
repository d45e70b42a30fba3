import { sql } from "kysely";
import type { Page } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { nameKey } from "../names.ts";
import { pageSize, readCursor, toPage } from "../paging.ts";
import { maySeeProject } from "../rights.ts";
import type { Caller, Machines } from "../services.ts";
import type { Queries } from "../store/store.ts";
import { type MachineRow, selectMachines } from "./machine-row.ts";

type Filter = Parameters<Machines["list"]>[1];

/**
 * Machines in the order of their names. A member's come from each of its projects by index and are merged here,
 * so that their cost does not grow with the machines of others.
 */
export async function listMachines<Item>(
  db: Queries,
  request: { readonly caller: Caller; readonly filter: Filter; readonly item: (row: MachineRow) => Item },
): Promise<Page<Item>> {
  const { caller, filter, item } = request;
  const size = pageSize(filter);
  const after = (await keyBehind(db, request)) ?? readCursor(filter, "nameKey", "id");
  const scopes = scopesOf(caller, filter.projectId);
  const rows: MachineRow[] = [];
  for (const projectId of scopes)
    rows.push(...(await machineQuery(db, { projectId, filter, after, size }).execute()));
  return toPage(rows.sort(byNameThenId).slice(0, size + 1), size, {
    item,
    key: (row) => [row.name_key, row.id],
  });
}

/** Every project, or each of the caller's, or the one of them that is wanted. */
function scopesOf({ role, projectIds }: Caller, wanted: string | undefined): readonly (string | undefined)[] {
  if (role === "admin") return [wanted];
  return wanted === undefined ? projectIds : projectIds.filter((id) => id === wanted);
}

/** The key of the machine behind which the page is to begin. */
async function keyBehind(
  db: Queries,
  { caller, filter: { behind } }: { readonly caller: Caller; readonly filter: Filter },
): Promise<readonly [nameKey: string, id: string] | undefined> {
  if (behind === undefined) return undefined;
  const row = await db
    .selectFrom("machines")
    .select(["id", "name_key", "project_id"])
    .where("id", "=", behind)
    .executeTakeFirst();
  if (row === undefined || !maySeeProject(caller, row.project_id))
    throw new GatewayError("not_found", { detail: "machine" });
  return [row.name_key, row.id];
}

/** The statement behind a list; `projectId` undefined means every project. */
export function machineQuery(
  db: Queries,
  {
    projectId,
    filter,
    after,
    size,
  }: {
    readonly projectId: string | undefined;
    readonly filter: Filter;
    readonly after: readonly [nameKey: string, id: string] | undefined;
    readonly size: number;
  },
) {
  let query = selectMachines(db)
    .orderBy("machines.name_key")
    .orderBy("machines.id")
    .limit(size + 1);
  if (projectId !== undefined) query = query.where("machines.project_id", "=", projectId);
  if (filter.name !== undefined) {
    const name = filter.name.normalize("NFC").trim();
    query = query.where("machines.name_key", "=", nameKey(name)).where("machines.name", "=", name);
  }
  if (filter.state !== undefined) query = query.where("machines.state", "=", filter.state);
  if (filter.keyword !== undefined && filter.keyword !== "") query = query.where(contains(filter.keyword));
  if (after !== undefined)
    query = query.where(sql<boolean>`(machines.name_key, machines.id) > (${after[0]}, ${after[1]})`);
  return query;
}

/** A name with the keyword taken out of it is another one: searching without `like`, which differs by database. */
export function contains(keyword: string, table: "machines" | "waiting_machines" = "machines") {
  const name = sql.ref(`${table}.name_key`);
  return sql<boolean>`replace(${name}, ${nameKey(keyword)}, '') <> ${name}`;
}

function byNameThenId(a: MachineRow, b: MachineRow): number {
  if (a.name_key !== b.name_key) return Buffer.compare(Buffer.from(a.name_key), Buffer.from(b.name_key));
  return a.id < b.id ? -1 : 1;
}
