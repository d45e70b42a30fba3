import type { Clock } from "#base/clock.ts";
import type { KeystoneRight } from "#wire/keystone.ts";
import type { Actor, Audit } from "../audit/audit.ts";
import type { CloseSessions } from "../sessions/closing.ts";
import type { Queries, Store } from "../store/store.ts";
import type { Said } from "./answer.ts";
import { nameHere, type RoleRights, referencesOf, rightOf } from "./judging.ts";
import { makeAccount, makeProject, withdrawRight, writeRight } from "./records.ts";

const limits = {
  /** A right that is known is written down again after so long, and no sooner: each time is a write. */
  seenMs: 60 * 60 * 1000,
} as const;

/** Whoever maps, makes or forgets anything of Keystone's holds this (Store.lock). */
export const KEYSTONE_LOCK = "keystone";

export interface AdmissionParts {
  readonly store: Store;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly closeSessions: CloseSessions;
}

/** By which rules tokens are judged. */
export interface Rules {
  /** Of what was configured, from which they are. */
  readonly revision: string;
  readonly roles: RoleRights;
  readonly makesProjects: boolean;
}

/** Whom a token makes of its bearer, or why of nobody. */
export type Admission =
  | {
      readonly accountId: string;
      readonly name: string;
      readonly right: KeystoneRight;
      /** Absent for administrators whose project has none here. */
      readonly projectId: string | undefined;
    }
  | { readonly refused: string; readonly accountId: string | undefined; readonly name: string };

/**
 * Judges what Keystone says of a token, and writes down what is to outlive the request: the user's account, the project's, and the
 * right, by which tickets are redeemed that were issued for it. Where the right is less than it was, the consoles end that it was for.
 * Throws `limit_reached`.
 */
export type Admit = (said: Said, rules: Rules, by: Actor) => Promise<Admission>;

export function createAdmission(parts: AdmissionParts): Admit {
  const { store, clock } = parts;

  return async (said, rules, by) => {
    const seen = await look(store.db, said);
    const judged = judge(said, rules, seen);
    if (isWrittenDown(seen, judged, clock.now())) return admissionOf(said, judged, seen);
    return await store.db.transaction().execute(async (db) => {
      await store.lock(db, KEYSTONE_LOCK);
      return await writeDown(parts, db, { said, rules, by });
    });
  };
}

/** What is known here of a token's user and project. */
interface Seen {
  readonly account: { readonly id: string; readonly name: string } | undefined;
  /** The project here. */
  readonly projectId: string | undefined;
  readonly before:
    | { readonly right: KeystoneRight; readonly project_id: string | null; readonly seen_at: number }
    | undefined;
}

async function look(db: Queries, { user, project }: Said): Promise<Seen> {
  const account = await db
    .selectFrom("keystone_users")
    .innerJoin("accounts", "accounts.id", "keystone_users.account_id")
    .select(["accounts.id", "accounts.name"])
    .where("user_id", "=", user.id)
    .executeTakeFirst();
  if (project === undefined) return { account, projectId: undefined, before: undefined };
  const references = referencesOf(project);
  const mapped = await db
    .selectFrom("keystone_projects")
    .select(["keystone_project", "project_id"])
    .where("keystone_project", "in", references)
    .execute();
  // An id says more than a name.
  const [projectId] = references.flatMap((reference) =>
    mapped.filter((row) => row.keystone_project === reference).map((row) => row.project_id),
  );
  const before =
    account &&
    (await db
      .selectFrom("keystone_rights")
      .select(["right", "project_id", "seen_at"])
      .where("account_id", "=", account.id)
      .where("keystone_project", "=", project.id)
      .executeTakeFirst());
  return { account, projectId, before };
}

type Judged =
  | {
      readonly right: KeystoneRight;
      readonly project: NonNullable<Said["project"]>;
      /** Absent: there is none here yet, or, for administrators, none at all. */
      readonly projectId: string | undefined;
    }
  | { readonly refused: string };

function judge({ project, roles }: Said, rules: Rules, { projectId }: Seen): Judged {
  if (project === undefined) return { refused: "the Keystone token is for no project" };
  const right = rightOf(roles, rules.roles);
  if (right === undefined) return { refused: "none of the Keystone token's roles comes to a right here" };
  if (projectId === undefined && right !== "admin" && !rules.makesProjects)
    return { refused: `the Keystone project ${nameHere(project.id)} is mapped to none here` };
  return { right, project, projectId };
}

/** Whether nothing is to be written, which is so of nearly all tokens. */
function isWrittenDown({ account, before, projectId }: Seen, judged: Judged, now: number): boolean {
  // Consoles may be open by a right that was forgotten.
  if ("refused" in judged) return before === undefined && (account === undefined || projectId === undefined);
  if (account === undefined || before === undefined) return false;
  const isSame = before.right === judged.right && before.project_id === (judged.projectId ?? null);
  return isSame && before.seen_at > now - limits.seenMs;
}

function admissionOf(said: Said, judged: Judged, { account }: Pick<Seen, "account">): Admission {
  if ("refused" in judged)
    return {
      refused: judged.refused,
      accountId: account?.id,
      name: account?.name ?? nameHere(`${said.user.name}@${said.user.domain}`),
    };
  if (account === undefined) throw new Error("whoever is admitted has an account");
  const { right, projectId } = judged;
  return { accountId: account.id, name: account.name, right, projectId };
}

async function writeDown(
  parts: AdmissionParts,
  db: Queries,
  { said, rules, by }: { readonly said: Said; readonly rules: Rules; readonly by: Actor },
): Promise<Admission> {
  const seen = await look(db, said);
  const inForce = await db.selectFrom("keystone").select("revision").executeTakeFirst();
  // What is written outlives the request, so it is written by rules alone that are still those.
  if (inForce?.revision !== rules.revision)
    return admissionOf(said, { refused: "Keystone's configuration has just been changed" }, seen);
  const judged = judge(said, rules, seen);
  if ("refused" in judged) {
    if (seen.account !== undefined && said.project !== undefined)
      await withdrawRight(
        parts,
        db,
        { accountId: seen.account.id, keystoneProject: said.project.id },
        seen.before === undefined ? seen.projectId : undefined,
      );
    return admissionOf(said, judged, seen);
  }
  const { project, right } = judged;
  const account = seen.account ?? (await makeAccount(parts, db, { user: said.user, by }));
  const isMade = judged.projectId === undefined && right !== "admin";
  const maker = { ...by, accountId: account.id, name: account.name };
  const projectId = isMade ? await makeProject(parts, db, { project, by: maker }) : judged.projectId;
  const granted = {
    ...{ accountId: account.id, keystoneProject: project.id, right },
    projectId: projectId ?? null,
  };
  await writeRight(parts, db, granted, seen.before);
  return admissionOf(said, { ...judged, projectId }, { account });
}
