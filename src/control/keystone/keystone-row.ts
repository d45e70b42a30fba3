import type { Secret } from "#base/secret.ts";
import type { Queries } from "../store/store.ts";
import type { Place, Vault } from "../vault/vault.ts";
import type { KeystoneAccess } from "./client.ts";
import type { RoleRights } from "./judging.ts";
import type { KeystoneTable } from "./keystone-tables.ts";

/** The one row of the table. */
export const KEYSTONE_ROW = "keystone";

const secretPlace: Place = { table: "keystone", row: KEYSTONE_ROW, column: "secret_sealed" };

export async function findKeystone(db: Queries): Promise<KeystoneTable | undefined> {
  return await db.selectFrom("keystone").selectAll().executeTakeFirst();
}

export function sealSecret(secret: Secret, vault: Vault): string {
  return vault.seal(secret, secretPlace);
}

/** By what it is asked. */
export function accessOf(row: KeystoneTable, vault: Vault): KeystoneAccess {
  const secret = vault.open(row.secret_sealed, secretPlace);
  const { user_domain: userDomain, project, project_domain: projectDomain, username } = row;
  return {
    url: row.url,
    caCertificate: row.ca_certificate ?? undefined,
    user:
      userDomain === null || project === null || projectDomain === null
        ? { kind: "application-credential", id: username, secret }
        : { kind: "password", username, userDomain, project, projectDomain, secret },
  };
}

/** Written by us alone. */
export function rolesOf({ roles }: Pick<KeystoneTable, "roles">): RoleRights {
  return JSON.parse(roles) as RoleRights;
}

/** What clients are pointed to. */
export function publicUrlOf({
  url,
  public_url: publicUrl,
}: Pick<KeystoneTable, "url" | "public_url">): string {
  return publicUrl ?? url;
}
