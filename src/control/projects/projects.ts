import { randomUUID } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import { DEFAULT_PROJECT, type Project } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Audit } from "../audit/audit.ts";
import { cleanName } from "../names.ts";
import { pageSize, readCursor, toPage } from "../paging.ts";
import { requireAdministrator } from "../rights.ts";
import type { Projects } from "../services.ts";
import type { Queries, Store } from "../store/store.ts";
import { refuseWhileRuled } from "./project-rules.ts";

/** Administrators manage projects; a member sees its own. */
export function createProjects({
  store,
  audit,
  clock,
}: {
  readonly store: Store;
  readonly audit: Audit;
  readonly clock: Clock;
}): Projects {
  return {
    async add(caller, { name }) {
      requireAdministrator(caller);
      return await store.db.transaction().execute(async (db) => {
        const project = await writeProject(db, { name, now: clock.now() }, store);
        const object = { kind: "project", id: project.id, name: project.name } as const;
        await audit.record(db, { action: "project.add", by: caller, object });
        return toProject(project);
      });
    },

    async list(caller, page) {
      const size = pageSize(page);
      const [after] = readCursor(page, "name") ?? [];
      if (caller.role !== "admin" && caller.projectIds.length === 0) return { items: [] };
      const rows = await store.db
        .selectFrom("projects")
        .selectAll()
        .$if(caller.role !== "admin", (query) => query.where("id", "in", caller.projectIds))
        .$if(after !== undefined, (query) => query.where("name", ">", after ?? ""))
        .orderBy("name")
        .limit(size + 1)
        .execute();
      return toPage(rows, size, { item: toProject, key: (row) => [row.name] });
    },

    async remove(caller, id) {
      requireAdministrator(caller);
      await store.db.transaction().execute(async (db) => {
        const project = await db
          .selectFrom("projects")
          .select("name")
          .where("id", "=", id)
          .executeTakeFirst();
        if (project === undefined) throw new GatewayError("not_found", { detail: "project" });
        if (project.name === DEFAULT_PROJECT)
          throw new GatewayError("conflict", {
            detail: "machines that are added without a project belong here",
          });
        const machine = await db
          .selectFrom("machines")
          .select("id")
          .where("project_id", "=", id)
          .limit(1)
          .executeTakeFirst();
        if (machine !== undefined)
          throw new GatewayError("conflict", { detail: "the project still has machines" });
        await refuseWhileRuled(db, id);
        await db.deleteFrom("projects").where("id", "=", id).execute();
        const object = { kind: "project", id, name: project.name } as const;
        await audit.record(db, { action: "project.remove", by: caller, object });
      });
    },
  };
}

interface ProjectRow {
  readonly id: string;
  readonly name: string;
  readonly created_at: number;
}

/** Finds a project by its id or its name. Throws `not_found`. */
export async function requireProject(db: Queries, reference: string): Promise<ProjectRow> {
  const name = reference.normalize("NFC").trim();
  const rows = await db
    .selectFrom("projects")
    .selectAll()
    .where((where) => where.or([where("id", "=", reference), where("name", "=", name)]))
    .execute();
  const row = rows.find(({ id }) => id === reference) ?? rows[0];
  if (row === undefined) throw new GatewayError("not_found", { detail: noProject(reference) });
  return row;
}

function noProject(reference: string): string {
  const argument = /^[\w.-]+$/.test(reference) ? reference : "NAME";
  return `there is no project “${reference}”, which “porthole project add ${argument}” makes`;
}

/** Throws `conflict` for a name that is taken. */
export async function writeProject(
  db: Queries,
  { name, now }: { readonly name: string; readonly now: number },
  store: Store,
): Promise<ProjectRow> {
  const row = { id: randomUUID(), name: cleanName(name), created_at: now };
  try {
    await db.insertInto("projects").values(row).execute();
  } catch (cause) {
    if (store.isDuplicate(cause))
      throw new GatewayError("conflict", { cause, detail: `project ${row.name}` });
    throw cause;
  }
  return row;
}

export function toProject({ id, name, created_at }: ProjectRow): Project {
  return { id, name, createdAt: new Date(created_at).toISOString() };
}
