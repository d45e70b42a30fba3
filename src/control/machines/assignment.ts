import { sql } from "kysely";
import type { Clock } from "#base/clock.ts";
import type { Page } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { WaitingMachine } from "#wire/hypervisors.ts";
import type { Audit } from "../audit/audit.ts";
import { enterProject, freeName } from "../hypervisors/entering.ts";
import { hypervisorLock } from "../hypervisors/inventory.ts";
import { nameKey } from "../names.ts";
import { pageSize, readCursor, toPage } from "../paging.ts";
import { requireProject } from "../projects/projects.ts";
import type { Caller, PageRequest } from "../services.ts";
import type { CloseSessions } from "../sessions/closing.ts";
import type { Queries, Store } from "../store/store.ts";
import { contains } from "./listing.ts";
import type { MachineRow } from "./machine-row.ts";

interface Parts {
  readonly store: Store;
  readonly audit: Audit;
  readonly closeSessions: CloseSessions;
  readonly clock: Clock;
}

/** Machines of hypervisors that no project has yet, in the order of their names. */
export async function listWaiting(
  db: Queries,
  { keyword = "", ...page }: PageRequest & { readonly keyword?: string | undefined },
): Promise<Page<WaitingMachine>> {
  const size = pageSize(page);
  const after = readCursor(page, "nameKey", "id");
  const rows = await db
    .selectFrom("waiting_machines")
    .innerJoin("hypervisors", "hypervisors.id", "waiting_machines.hypervisor_id")
    .selectAll("waiting_machines")
    .select("hypervisors.name as hypervisor_name")
    .$if(after !== undefined, (query) =>
      query.where(
        sql<boolean>`(waiting_machines.name_key, waiting_machines.id) > (${after?.[0]}, ${after?.[1]})`,
      ),
    )
    .$if(keyword !== "", (query) => query.where(contains(keyword, "waiting_machines")))
    .orderBy("waiting_machines.name_key")
    .orderBy("waiting_machines.id")
    .limit(size + 1)
    .execute();
  return toPage(rows, size, {
    item: ({ id, name, address, power, guest, hypervisor_id, hypervisor_name, created_at }) => ({
      ...{ id, name, address, power, guest },
      hypervisor: { id: hypervisor_id, name: hypervisor_name },
      createdAt: new Date(created_at).toISOString(),
    }),
    key: (row) => [row.name_key, row.id],
  });
}

/**
 * Keeps what a hypervisor has on record of this machine as it is, until the transaction ends: else it could be taken in, renamed or
 * forgotten between two statements. Of a machine without a hypervisor there is nothing to keep.
 */
export async function lockOrigin(store: Store, db: Queries, id: string): Promise<void> {
  for (const table of ["machines", "waiting_machines"] as const) {
    const found = await db
      .selectFrom(table)
      .select("hypervisor_id as hypervisorId")
      .where("id", "=", id)
      .executeTakeFirst();
    const hypervisorId = found?.hypervisorId ?? undefined;
    if (hypervisorId !== undefined) return await store.lock(db, hypervisorLock(hypervisorId));
  }
}

/** Gives a machine that waits its project; none where none waits under this id. Whoever calls has locked its origin. */
export async function assignWaiting(
  { audit, clock }: Parts,
  db: Queries,
  { caller, id, project }: { readonly caller: Caller; readonly id: string; readonly project: string },
): Promise<void> {
  const waiting = await db
    .deleteFrom("waiting_machines")
    .where("id", "=", id)
    .returning(["hypervisor_id", "address", "name", "power", "guest"])
    .executeTakeFirst();
  if (waiting === undefined) return;
  const hypervisor = await db
    .selectFrom("hypervisors")
    .select(["id", "name"])
    .where("id", "=", waiting.hypervisor_id)
    .executeTakeFirstOrThrow();
  const { id: projectId, name: projectName } = await requireProject(db, project);
  const { name } = await enterProject(db, { ...waiting, id, hypervisor, projectId, now: clock.now() });
  const object = { kind: "machine", id, name } as const;
  await audit.record(db, { action: "machine.assign", by: caller, object, detail: projectName });
}

/** Takes a machine out of one project and puts it into another. Consoles that were opened in the first one end. */
export async function assignMachine(
  { audit, closeSessions }: Parts,
  db: Queries,
  {
    caller,
    machine,
    project,
  }: { readonly caller: Caller; readonly machine: MachineRow; readonly project: string },
): Promise<void> {
  const { id: projectId, name: projectName } = await requireProject(db, project);
  const { id, address, hypervisor_id, hypervisor_name, project_id } = machine;
  if (projectId === project_id) return;
  const hypervisor =
    hypervisor_id === null || hypervisor_name === null
      ? undefined
      : { id: hypervisor_id, name: hypervisor_name };
  const name =
    hypervisor === undefined
      ? machine.name
      : await freeName(db, { id, projectId, name: machine.name, hypervisor, address });
  await db
    .updateTable("machines")
    .set({ project_id: projectId, name, name_key: nameKey(name) })
    .where("id", "=", id)
    .execute();
  await closeSessions(db, (session) => session("machine_id", "=", id), { code: "access_withdrawn" });
  const object = { kind: "machine", id, name } as const;
  await audit.record(db, { action: "machine.assign", by: caller, object, detail: projectName });
}

/** Takes a machine that a hypervisor has out of its project: it waits, and no rule puts it into one again. */
export async function withholdMachine(
  { clock }: Parts,
  db: Queries,
  { id, hypervisor_id, address, name, power, guest }: MachineRow,
): Promise<void> {
  if (hypervisor_id === null) throw new GatewayError("internal", { detail: "the machine has no hypervisor" });
  const row = {
    ...{ id, hypervisor_id, address, name, name_key: nameKey(name) },
    power: power ?? "unknown",
    guest: guest ?? "unknown",
    is_withheld: 1 as const,
    created_at: clock.now(),
  };
  await db.insertInto("waiting_machines").values(row).execute();
}
