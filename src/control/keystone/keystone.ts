import { randomUUID, X509Certificate } from "node:crypto";
import { oneLine } from "#tls/certificate/chain.ts";
import { pemBlocks } from "#tls/certificate/pem.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Keystone, KeystoneChange } from "#wire/keystone.ts";
import { requireProject } from "../projects/projects.ts";
import { requireAdministrator } from "../rights.ts";
import { prepare } from "../store/prepared.ts";
import type { Queries } from "../store/store.ts";
import type { Vault } from "../vault/vault.ts";
import { type AdmissionParts, KEYSTONE_LOCK } from "./admission.ts";
import { changedRoles, checkChange, projectReference } from "./change.ts";
import { failedAt, KeystoneClient } from "./client.ts";
import { FIRST_ROLES } from "./judging.ts";
import { accessOf, findKeystone, KEYSTONE_ROW, publicUrlOf, rolesOf, sealSecret } from "./keystone-row.ts";
import type { KeystoneTable } from "./keystone-tables.ts";
import { forgetRights, forgetUsers, refuseMoreProjects } from "./records.ts";
import type { KeystoneService } from "./service.ts";

const limits = {
  /** For the whole way there, and signing in. */
  testMs: 15_000,
} as const;

const OFF = "tokens of no Keystone are good here";

/** What Keystone wants of whoever validates tokens, unless its policy was changed. */
const VALIDATING_ROLES: ReadonlySet<string> = new Set(["admin", "service"]);

/** The Keystone whose tokens are good, as administrators see and change it. */
export function createKeystone(
  parts: AdmissionParts & { readonly vault: Vault },
): Omit<KeystoneService, "callerOf"> {
  const { store, vault, audit, clock } = parts;
  const findUrl = prepare(store, {}, (db) => db.selectFrom("keystone").select(["url", "public_url"]));

  return {
    async show(caller) {
      requireAdministrator(caller);
      return await shown(store.db);
    },

    async configure(caller, change) {
      requireAdministrator(caller);
      const { columns, secret } = checkChange(change);
      return await store.db.transaction().execute(async (db) => {
        await store.lock(db, KEYSTONE_LOCK);
        const before = await findKeystone(db);
        const roles = JSON.stringify(
          changedRoles(before === undefined ? FIRST_ROLES : rolesOf(before), change.roles ?? []),
        );
        const next = {
          ...columns,
          ...(secret === undefined ? {} : { secret_sealed: sealSecret(secret, vault) }),
          ...{ roles, revision: randomUUID() },
        };
        if (before === undefined) await db.insertInto("keystone").values(first(next)).execute();
        else await db.updateTable("keystone").set(next).execute();
        // What a Keystone has said counts by the roles of then, and nothing that another one said counts at all.
        const isAnother = columns.url !== undefined && columns.url !== before?.url;
        if (before !== undefined && (isAnother || before.roles !== roles))
          await db.deleteFrom("keystone_rights").execute();
        await mapProjects(db, change.projects ?? []);
        await audit.record(db, { action: "keystone.configure", by: caller, detail: told(change) });
        return await shown(db);
      });
    },

    async test(caller) {
      requireAdministrator(caller);
      const row = await findKeystone(store.db);
      if (row === undefined) throw new GatewayError("not_found", { detail: OFF });
      using client = new KeystoneClient(accessOf(row, vault), clock);
      try {
        const { user, roles, expiresAt } = await client.signIn(AbortSignal.timeout(limits.testMs));
        const isEnough = roles.some((role) => VALIDATING_ROLES.has(role));
        return {
          ok: true,
          user: `${user.name}@${user.domain}`,
          roles: [...roles],
          tokenEndsAt: new Date(expiresAt).toISOString(),
          ...(isEnough
            ? {}
            : {
                detail:
                  "none of its roles is service or admin, so Keystone will hardly let it validate the tokens of others",
              }),
        };
      } catch (error) {
        const { step, said } = failedAt(error);
        return { ok: false, failedStep: step, detail: said };
      }
    },

    async disable(caller) {
      requireAdministrator(caller);
      await store.db.transaction().execute(async (db) => {
        await store.lock(db, KEYSTONE_LOCK);
        const gone = await db.deleteFrom("keystone").returning("url").executeTakeFirst();
        if (gone === undefined) throw new GatewayError("not_found", { detail: OFF });
        await forgetUsers(parts, db, caller);
        await db.deleteFrom("keystone_projects").execute();
        await audit.record(db, { action: "keystone.disable", by: caller, detail: gone.url });
      });
    },

    async publicUrl() {
      const [row] = await findUrl(store.db, {});
      return row === undefined ? undefined : publicUrlOf(row);
    },
  };

  /** Whoever has come by a mapping that is taken away, or leads elsewhere now, is out. */
  async function mapProjects(db: Queries, changes: NonNullable<KeystoneChange["projects"]>): Promise<void> {
    for (const { keystone, project } of changes) {
      const reference = projectReference(keystone);
      const before = await db
        .deleteFrom("keystone_projects")
        .where("keystone_project", "=", reference)
        .returning("project_id")
        .executeTakeFirst();
      const after = project === null ? undefined : (await requireProject(db, project)).id;
      if (before === undefined && after === undefined)
        throw new GatewayError("not_found", { detail: `no project is mapped as ${reference}` });
      if (before !== undefined && before.project_id !== after)
        await forgetRights(parts, db, before.project_id);
      if (after === undefined) continue;
      await refuseMoreProjects(db);
      await db
        .insertInto("keystone_projects")
        .values({ keystone_project: reference, project_id: after, is_made: 0 })
        .execute();
    }
  }
}

type Columns = Partial<KeystoneTable> & Pick<KeystoneTable, "roles" | "revision">;

/** Throws `request_invalid` where something is missing that has no default. */
function first(said: Columns): KeystoneTable {
  const { url, username, secret_sealed } = said;
  if (url === undefined || username === undefined || secret_sealed === undefined)
    throw new GatewayError("request_invalid", {
      detail: "url and credentials: both have to be said where no Keystone is configured yet",
    });
  const rest = {
    public_url: null,
    ca_certificate: null,
    user_domain: null,
    project: null,
    project_domain: null,
  };
  return { id: KEYSTONE_ROW, makes_projects: 0, ...rest, ...said, url, username, secret_sealed };
}

async function shown(db: Queries): Promise<Keystone> {
  const row = await findKeystone(db);
  if (row === undefined) return { state: "off" };
  const projects = await db
    .selectFrom("keystone_projects")
    .innerJoin("projects", "projects.id", "keystone_projects.project_id")
    .select(["keystone_project as keystone", "projects.name as project", "is_made"])
    .orderBy("keystone_project")
    .execute();
  const { user_domain: userDomain, project, project_domain: projectDomain } = row;
  return {
    state: "on",
    url: row.url,
    ...(row.public_url === null ? {} : { publicUrl: row.public_url }),
    ...(row.ca_certificate === null ? {} : { authorities: subjectsOf(row.ca_certificate) }),
    ...(userDomain === null || project === null || projectDomain === null
      ? { applicationCredentialId: row.username }
      : { username: row.username, userDomain, project, projectDomain }),
    roles: Object.entries(rolesOf(row)).map(([role, right]) => ({ role, right })),
    projects: projects.map(({ is_made: made, ...each }) => ({ ...each, made: made === 1 })),
    makesProjects: row.makes_projects === 1,
  };
}

function subjectsOf(pem: string): string[] {
  return pemBlocks(pem).map(({ text }) => oneLine(new X509Certificate(text).subject));
}

/** For the audit log: what was named, without secrets. */
function told({ credentials, caCertificate, roles = [], projects = [], ...change }: KeystoneChange): string {
  const user =
    credentials === undefined
      ? []
      : "username" in credentials
        ? [`username=${credentials.username}`]
        : [`applicationCredentialId=${credentials.applicationCredentialId}`];
  return [
    ...Object.entries(change).map(([name, value]) => `${name}=${value ?? "none"}`),
    ...user,
    ...(caCertificate === undefined ? [] : ["caCertificate"]),
    ...roles.map(({ role, right }) => `role ${role}=${right ?? "nothing"}`),
    ...projects.map(({ keystone, project }) => `project ${keystone}=${project ?? "none"}`),
  ].join(" ");
}
