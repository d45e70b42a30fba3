import { randomUUID } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import type { Account, AccountChange, Project, Role } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Audit, AuditEntry } from "../audit/audit.ts";
import { cleanName } from "../names.ts";
import { pageSize, readCursor, toPage } from "../paging.ts";
import { requireProject, toProject } from "../projects/projects.ts";
import { requireAdministrator } from "../rights.ts";
import type { Accounts, Caller } from "../services.ts";
import type { CloseSessions, SessionConditions } from "../sessions/closing.ts";
import type { Queries, Store } from "../store/store.ts";

/** The accounts themselves. Administrators manage them; a member sees itself. */
export function createDirectory({
  store,
  audit,
  clock,
  closeSessions,
}: {
  readonly store: Store;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly closeSessions: CloseSessions;
}): Pick<Accounts, "add" | "get" | "list" | "update" | "remove"> {
  return {
    async add(caller, { name, role, projects = [] }) {
      requireAdministrator(caller);
      return await store.db.transaction().execute(async (db) => {
        const rows = await requireProjects(db, projects);
        const account = await writeAccount(db, { name, role, now: clock.now() }, store);
        await writeMemberships(
          db,
          account.id,
          rows.map((row) => row.id),
        );
        const made = toAccount(account, rows.map(toProject).sort(byName));
        const detail = [role, ...made.projects.map((project) => project.name)].join(" ");
        await audit.record(db, { action: "account.add", by: caller, object: accountObject(account), detail });
        return made;
      });
    },

    async update(caller, id, change) {
      const { disabled, projects } = change;
      requireAdministrator(caller);
      if (disabled === true && id === caller.accountId)
        throw new GatewayError("forbidden", { detail: "an administrator cannot disable their own account" });
      return await store.db.transaction().execute(async (db) => {
        await requireAccount(db, id);
        if (projects !== undefined) {
          const projectIds = (await requireProjects(db, projects)).map((row) => row.id);
          await db.deleteFrom("memberships").where("account_id", "=", id).execute();
          await writeMemberships(db, id, projectIds);
        }
        if (disabled !== undefined)
          await db
            .updateTable("accounts")
            .set({ disabled: disabled ? 1 : 0 })
            .where("id", "=", id)
            .execute();
        const row = await requireAccount(db, id);
        const account = toAccount(row, (await projectsOf(db, [id])).get(id));
        await closeSessions(db, (session) => notAllowed(session, account), { code: "access_withdrawn" });
        await audit.record(db, updateEntry(caller, account, change));
        return account;
      });
    },

    async get(caller, id) {
      if (caller.role !== "admin" && id !== caller.accountId) throw new GatewayError("not_found");
      const row = await requireAccount(store.db, id);
      const projects = await projectsOf(store.db, [id]);
      return toAccount(row, projects.get(id));
    },

    async list(caller, page) {
      requireAdministrator(caller);
      const size = pageSize(page);
      const [after] = readCursor(page, "name") ?? [];
      const rows = await store.db
        .selectFrom("accounts")
        .selectAll()
        .$if(after !== undefined, (query) => query.where("name", ">", after ?? ""))
        .orderBy("name")
        .limit(size + 1)
        .execute();
      const projects = await projectsOf(
        store.db,
        rows.map((row) => row.id),
      );
      return toPage(rows, size, {
        item: (row) => toAccount(row, projects.get(row.id)),
        key: (row) => [row.name],
      });
    },

    async remove(caller, id) {
      requireAdministrator(caller);
      // So there is always an administrator left: the one who removed the others.
      if (id === caller.accountId)
        throw new GatewayError("forbidden", { detail: "an administrator cannot remove their own account" });
      await store.db.transaction().execute(async (db) => {
        const account = await requireAccount(db, id);
        await db.deleteFrom("accounts").where("id", "=", id).execute();
        await closeSessions(db, (session) => session("account_id", "=", id), { code: "access_withdrawn" });
        await audit.record(db, { action: "account.remove", by: caller, object: accountObject(account) });
      });
    },
  };
}

/** The sessions of the account that it may not have as it is now. */
function notAllowed(session: SessionConditions, { id, role, disabled, projects }: Account) {
  const own = session("account_id", "=", id);
  if (disabled) return own;
  if (role === "admin") return session.and([own, session.lit(false)]); // It may open everything.
  const allowed = projects.map((project) => project.id);
  return allowed.length === 0 ? own : session.and([own, session("project_id", "not in", allowed)]);
}

/** In the order given, each once. Throws `not_found`. */
async function requireProjects(db: Queries, references: readonly string[]) {
  const rows = [];
  for (const reference of references) rows.push(await requireProject(db, reference));
  return [...new Map(rows.map((row) => [row.id, row])).values()];
}

async function writeMemberships(
  db: Queries,
  accountId: string,
  projectIds: readonly string[],
): Promise<void> {
  for (const projectId of projectIds)
    await db.insertInto("memberships").values({ account_id: accountId, project_id: projectId }).execute();
}

interface AccountRow {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly disabled: 0 | 1;
  readonly created_at: number;
}

/** As the audit log names it. */
export function accountObject({ id, name }: { readonly id: string; readonly name: string }) {
  return { kind: "account", id, name } as const;
}

/** What was changed: whether it may sign in, and all the projects that it belongs to now. */
function updateEntry(by: Caller, account: Account, { disabled, projects }: AccountChange): AuditEntry {
  const said = [
    ...(disabled === undefined ? [] : [disabled ? "disabled" : "enabled"]),
    ...(projects === undefined ? [] : ["projects", ...account.projects.map((project) => project.name)]),
  ];
  return { action: "account.update", by, object: accountObject(account), detail: said.join(" ") };
}

/** Whoever counts what an account has before giving it more holds this (Store.lock). */
export function accountKey(id: string): string {
  return `account ${id}`;
}

/** Throws `not_found`. */
export async function requireAccount(db: Queries, id: string): Promise<AccountRow> {
  const row = await db.selectFrom("accounts").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw new GatewayError("not_found", { detail: "account" });
  return row;
}

/** Throws `conflict` for a name that is taken. */
export async function writeAccount(
  db: Queries,
  account: { readonly name: string; readonly role: Role; readonly now: number },
  store: Store,
): Promise<AccountRow> {
  const { role, now } = account;
  const row = {
    id: randomUUID(),
    name: cleanName(account.name),
    role,
    disabled: 0 as const,
    created_at: now,
  };
  try {
    await db.insertInto("accounts").values(row).execute();
  } catch (cause) {
    if (store.isDuplicate(cause))
      throw new GatewayError("conflict", { cause, detail: `account ${row.name}` });
    throw cause;
  }
  return row;
}

async function projectsOf(db: Queries, accountIds: readonly string[]): Promise<Map<string, Project[]>> {
  if (accountIds.length === 0) return new Map();
  const rows = await db
    .selectFrom("memberships")
    .innerJoin("projects", "projects.id", "memberships.project_id")
    .select(["memberships.account_id", "projects.id", "projects.name", "projects.created_at"])
    .where("memberships.account_id", "in", accountIds)
    .orderBy("projects.name")
    .execute();
  const projects = new Map<string, Project[]>(accountIds.map((id) => [id, []]));
  for (const row of rows) projects.get(row.account_id)?.push(toProject(row));
  return projects;
}

function toAccount(row: AccountRow, projects: readonly Project[] = []): Account {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    projects: [...projects],
    disabled: row.disabled === 1,
    createdAt: new Date(row.created_at).toISOString(),
  };
}

function byName(a: Project, b: Project): number {
  return a.name < b.name ? -1 : 1;
}
