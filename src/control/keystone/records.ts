import { GatewayError } from "#wire/gateway-error.ts";
import type { KeystoneRight } from "#wire/keystone.ts";
import { writeAccount } from "../accounts/directory.ts";
import type { Actor } from "../audit/audit.ts";
import { writeProject } from "../projects/projects.ts";
import type { Queries } from "../store/store.ts";
import type { AdmissionParts } from "./admission.ts";
import type { Said } from "./answer.ts";
import { isAtLeast, nameHere, namesFor } from "./judging.ts";

const limits = {
  /** Accounts of Keystone's users, who come by themselves. */
  users: 100_000,
  /** Projects that are mapped; all are in one answer. */
  projects: 5_000,
} as const;

/** An account for a user of Keystone's who comes for the first time. It has no key, and belongs to no project by itself. */
export async function makeAccount(
  { store, audit, clock }: AdmissionParts,
  db: Queries,
  { user, by }: { readonly user: Said["user"]; readonly by: Actor },
): Promise<{ readonly id: string; readonly name: string }> {
  await refuseBeyond(db, "keystone_users", limits.users);
  const address = `${user.name}@${user.domain}`;
  const name = await freeName(db, "accounts", namesFor(address, `${address} (Keystone)`, user.id));
  const account = await writeAccount(db, { name, role: "member", now: clock.now() }, store);
  await db.insertInto("keystone_users").values({ user_id: user.id, account_id: account.id }).execute();
  const object = { kind: "account", id: account.id, name } as const;
  const detail = `member, Keystone user ${nameHere(user.id)}`;
  await audit.record(db, {
    action: "account.add",
    by: { ...by, accountId: account.id, name },
    object,
    detail,
  });
  return account;
}

/** A project for one of Keystone's that is mapped to none. One that there is already is never taken for it because of its name. */
export async function makeProject(
  { store, audit, clock }: AdmissionParts,
  db: Queries,
  { project, by }: { readonly project: NonNullable<Said["project"]>; readonly by: Actor },
): Promise<string> {
  const { id: theirs, name: short, domain } = project;
  await refuseMoreProjects(db);
  const name = await freeName(db, "projects", namesFor(short, `${short} (${domain.name})`, theirs));
  const { id } = await writeProject(db, { name, now: clock.now() }, store);
  await db
    .insertInto("keystone_projects")
    .values({ keystone_project: theirs, project_id: id, is_made: 1 })
    .execute();
  const detail = `Keystone project ${nameHere(theirs)}`;
  await audit.record(db, { action: "project.add", by, object: { kind: "project", id, name }, detail });
  return id;
}

/** Throws `limit_reached` where no further project can be mapped. */
export async function refuseMoreProjects(db: Queries): Promise<void> {
  await refuseBeyond(db, "keystone_projects", limits.projects);
}

export interface Granted {
  readonly accountId: string;
  readonly keystoneProject: string;
  /** Null for administrators whose project has none here. */
  readonly projectId: string | null;
  readonly right: KeystoneRight;
}

/** Writes down what Keystone said; where it is less than `before`, what that was for ends. */
export async function writeRight(
  parts: Pick<AdmissionParts, "clock" | "closeSessions">,
  db: Queries,
  { accountId, keystoneProject, projectId, right }: Granted,
  before: { readonly right: KeystoneRight; readonly project_id: string | null } | undefined,
): Promise<void> {
  const row = { project_id: projectId, right, seen_at: parts.clock.now() };
  await db
    .insertInto("keystone_rights")
    .values({ account_id: accountId, keystone_project: keystoneProject, ...row })
    .onConflict((conflict) => conflict.columns(["account_id", "keystone_project"]).doUpdateSet(row))
    .execute();
  // What was known before may have been forgotten, as with other roles: of what that was for, what is in this project ends.
  if (before === undefined) {
    if (projectId !== null) await closeBeyondRights(parts, db, accountId, projectId);
    return;
  }
  if (!isAtLeast(right, before.right) || before.project_id !== projectId)
    await closeBeyondRights(parts, db, accountId);
}

/** The user has no right in that project any more: what that was for ends, or of it what is in one project here. */
export async function withdrawRight(
  parts: Pick<AdmissionParts, "closeSessions">,
  db: Queries,
  { accountId, keystoneProject }: Pick<Granted, "accountId" | "keystoneProject">,
  onlyIn?: string,
): Promise<void> {
  await db
    .deleteFrom("keystone_rights")
    .where("account_id", "=", accountId)
    .where("keystone_project", "=", keystoneProject)
    .execute();
  await closeBeyondRights(parts, db, accountId, onlyIn);
}

/** Nobody comes into that project by Keystone's word any more, until it is said anew, and their consoles end there. */
export async function forgetRights(
  { closeSessions }: Pick<AdmissionParts, "closeSessions">,
  db: Queries,
  projectId: string,
): Promise<void> {
  await db.deleteFrom("keystone_rights").where("project_id", "=", projectId).execute();
  const users = db.selectFrom("keystone_users").select("keystone_users.account_id");
  await closeSessions(
    db,
    (session) => session.and([session("project_id", "=", projectId), session("account_id", "in", users)]),
    { code: "access_withdrawn" },
  );
}

/** All of Keystone's users go, with their accounts and their consoles. */
export async function forgetUsers(
  { closeSessions, audit }: Pick<AdmissionParts, "closeSessions" | "audit">,
  db: Queries,
  by: Actor,
): Promise<void> {
  const users = db.selectFrom("keystone_users").select("keystone_users.account_id");
  await closeSessions(db, (session) => session("account_id", "in", users), { code: "access_withdrawn" });
  const gone = await db.deleteFrom("accounts").where("id", "in", users).returning(["id", "name"]).execute();
  const detail = "with its Keystone";
  await audit.recordAll(
    db,
    gone.map((account) => ({
      action: "account.remove",
      by,
      detail,
      object: { kind: "account", ...account },
    })),
  );
}

/** Ends the account's consoles, or those in one project, that neither what is left of Keystone's word covers, nor a membership that it was given here. */
async function closeBeyondRights(
  { closeSessions }: Pick<AdmissionParts, "closeSessions">,
  db: Queries,
  accountId: string,
  onlyIn?: string,
): Promise<void> {
  const rights = await db
    .selectFrom("keystone_rights")
    .select(["right", "project_id"])
    .where("account_id", "=", accountId)
    .execute();
  if (rights.some(({ right }) => right === "admin")) return;
  const projectsOf = (wanted: KeystoneRight) =>
    rights.filter(({ right }) => right === wanted).map(({ project_id: id }) => id ?? "");
  const memberships = db
    .selectFrom("memberships")
    .select("memberships.project_id")
    .where("memberships.account_id", "=", accountId);
  await closeSessions(
    db,
    (session) => {
      const covered = [session("project_id", "in", memberships)];
      const [worked, watched] = [projectsOf("member"), projectsOf("viewer")];
      if (worked.length > 0) covered.push(session("project_id", "in", worked));
      if (watched.length > 0)
        covered.push(session.and([session("project_id", "in", watched), session("view_only", "=", 1)]));
      const theirs = [session("account_id", "=", accountId)];
      if (onlyIn !== undefined) theirs.push(session("project_id", "=", onlyIn));
      return session.and([...theirs, session.not(session.or(covered))]);
    },
    { code: "access_withdrawn" },
  );
}

async function refuseBeyond(
  db: Queries,
  table: "keystone_users" | "keystone_projects",
  most: number,
): Promise<void> {
  const { count } = await db
    .selectFrom(table)
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .executeTakeFirstOrThrow();
  if (Number(count) >= most)
    throw new GatewayError("limit_reached", {
      detail: `${most} ${table === "keystone_users" ? "users" : "projects"} of Keystone`,
    });
}

/** The first that nobody has. */
async function freeName(
  db: Queries,
  table: "accounts" | "projects",
  names: readonly string[],
): Promise<string> {
  const taken = await db.selectFrom(table).select("name").where("name", "in", names).execute();
  const free = names.find((name) => !taken.some((row) => row.name === name));
  if (free === undefined) throw new GatewayError("conflict", { detail: `${table}: ${names.at(-1)}` });
  return free;
}
