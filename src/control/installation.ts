import { ConfigError } from "#base/config.ts";
import type { Authority } from "#tls/authority.ts";
import type { Queries, Store } from "./store/store.ts";
import { type InstallationKey, keyCheck, readInstallationKey } from "./vault/installation-key.ts";
import { createVault, type Place, type Vault } from "./vault/vault.ts";

/** What makes this installation itself, opened with its key. */
export interface Installation {
  readonly id: string;
  readonly key: InstallationKey;
  readonly vault: Vault;
  readonly authority: Authority;
}

/**
 * Opens what the bootstrap made; `undefined` when the database is empty. Throws a ConfigError when the key file is
 * missing or another installation's: what the database holds cannot be read without the right one, and a new one in
 * its place would only hide that.
 */
export async function openInstallation(store: Store, keyFile: string): Promise<Installation | undefined> {
  const row = await store.db.selectFrom("installation").selectAll().executeTakeFirst();
  if (row === undefined) return undefined;
  const key = readKeyFile(keyFile);
  if (key === undefined)
    throw new ConfigError([`the key file ${keyFile} is missing; the database cannot be used without it`]);
  if (keyCheck(key) !== row.key_check)
    throw new ConfigError([`the key file ${keyFile} is not the one that this database was made with`]);
  const vault = createVault(key);
  const privateKey = vault.open(row.authority_key_sealed, authorityKeyPlace(row.id)).expose();
  return { id: row.id, key, vault, authority: { certificate: row.authority_certificate, privateKey } };
}

/** Whether no bootstrap has made an installation here yet. */
export async function isEmpty(db: Queries): Promise<boolean> {
  return (await db.selectFrom("installation").select("id").executeTakeFirst()) === undefined;
}

/** `undefined` when there is none. Throws a ConfigError for a file that is no key file, or open to others. */
export function readKeyFile(file: string): InstallationKey | undefined {
  try {
    return readInstallationKey(file);
  } catch (cause) {
    throw new ConfigError([cause instanceof Error ? cause.message : String(cause)]);
  }
}

/** Where the CA's private key is sealed for. */
export function authorityKeyPlace(installationId: string): Place {
  return { table: "installation", row: installationId, column: "authority_key_sealed" };
}
