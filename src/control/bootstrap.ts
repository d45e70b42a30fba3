import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "#base/clock.ts";
import { ConfigError } from "#base/config.ts";
import type { Log } from "#base/process/log.ts";
import { Secret } from "#base/secret.ts";
import { createAuthority } from "#tls/authority.ts";
import { fingerprint } from "#tls/node-identity.ts";
import { DEFAULT_PROJECT } from "#wire/api.ts";
import { writeApiKey } from "./accounts/api-keys.ts";
import { writeAccount } from "./accounts/directory.ts";
import { writeJoinToken } from "./fleet/join-tokens.ts";
import {
  authorityKeyPlace,
  type Installation,
  isEmpty,
  openInstallation,
  readKeyFile,
} from "./installation.ts";
import { writeProject } from "./projects/projects.ts";
import { writeSetting } from "./settings/settings.ts";
import type { Queries, Store } from "./store/store.ts";
import { createInstallationKey, type InstallationKey, keyCheck } from "./vault/installation-key.ts";
import { createVault } from "./vault/vault.ts";

/** What the operator needs to begin with. It is told once. */
export interface FirstKeys {
  readonly apiKey: string;
  readonly secretKey: string;
  readonly accountId: string;
  readonly joinToken: string;
}

interface Options {
  readonly keyFile: string;
  /** Where the first keys go. */
  readonly bootstrapFile: string | null;
  /** Whether the caller tells the first keys itself, where there is no bootstrap file. */
  readonly tellsKeys: boolean;
  /** First value of the setting upstream.allow. */
  readonly upstreamAllow: string;
  readonly clock: Clock;
  readonly log: Log;
}

const limits = {
  /** The join token of the bootstrap: for all nodes that somebody sets up in one go. */
  joinTokenUses: 100,
  joinTokenSeconds: 7 * 24 * 60 * 60,
} as const;

const FIRST_ADMINISTRATOR = "admin";

/**
 * Opens the installation, and makes it where the database is empty: key file, CA, default project, first
 * administrator with an API key. All of it is one transaction, and the bootstrap file is written before that
 * commits: a crash in between leaves an empty database, and the next start writes the file again. So there is never
 * an installation that nobody has the keys of. Of several replicas that start at once on an empty database one makes
 * it, and the others, which wait for that, open it with the key that it has by then.
 */
export async function openOrBootstrap(
  store: Store,
  options: Options,
): Promise<{ readonly installation: Installation; readonly firstKeys?: FirstKeys }> {
  const existing = await openInstallation(store, options.keyFile);
  if (existing !== undefined) return { installation: existing };

  if (options.bootstrapFile === null && !options.tellsKeys)
    throw new ConfigError(["a new database needs --bootstrap-file or --json, to tell its first API key"], {
      seeHelp: true,
    });
  const made = await makeInstallation(store, options);
  if (made === undefined) return await openOrBootstrap(store, options);
  const { installation, firstKeys } = made;
  options.log.info({ installationId: installation.id }, "New installation made");
  return options.bootstrapFile === null ? { installation, firstKeys } : { installation };
}

/** `undefined` where another replica has made one meanwhile. */
async function makeInstallation(store: Store, options: Options) {
  const id = randomUUID();
  const authority = await createAuthority({ name: `Porthole ${id}`, now: options.clock.now() });
  return await store.db.transaction().execute(async (db) => {
    await store.lock(db, "bootstrap");
    if (!(await isEmpty(db))) return undefined;
    // Not earlier: who comes second must not make a key file that fits nothing.
    const key = newKey(options);
    const installation: Installation = { id, key, vault: createVault(key), authority };
    const firstKeys = await writeFirstRows(db, store, { ...options, installation });
    if (options.bootstrapFile !== null) writeBootstrapFile(options.bootstrapFile, firstKeys);
    return { installation, firstKeys };
  });
}

/** A key file that lies there already is taken: from an operator, or from a start that came no further. */
function newKey({ keyFile }: Options): InstallationKey {
  return readKeyFile(keyFile) ?? createInstallationKey(keyFile);
}

async function writeFirstRows(
  db: Queries,
  store: Store,
  { installation, upstreamAllow, clock }: Options & { readonly installation: Installation },
): Promise<FirstKeys> {
  const { id, key, vault, authority } = installation;
  const now = clock.now();
  await db
    .insertInto("installation")
    .values({
      id,
      key_check: keyCheck(key),
      authority_certificate: authority.certificate,
      authority_key_sealed: vault.seal(new Secret(authority.privateKey), authorityKeyPlace(id)),
      created_at: now,
    })
    .execute();
  if (upstreamAllow !== "") await writeSetting(db, "upstream.allow", upstreamAllow);
  await writeProject(db, { name: DEFAULT_PROJECT, now }, store);
  const account = await writeAccount(db, { name: FIRST_ADMINISTRATOR, role: "admin", now }, store);
  const { apiKey, secretKey } = await writeApiKey(db, { vault, accountId: account.id, now });
  const { token } = await writeJoinToken(
    db,
    { uses: limits.joinTokenUses, expiresInSeconds: limits.joinTokenSeconds },
    { clock, authorityFingerprint: fingerprint(authority.certificate) },
  );
  return { apiKey, secretKey, accountId: account.id, joinToken: token };
}

/** Whole or not at all, readable by its owner alone, and on disk before the keys in it become valid. */
function writeBootstrapFile(file: string, keys: FirstKeys): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(6).toString("hex")}`;
  try {
    writeFileSync(draft, `${JSON.stringify(keys)}\n`, { mode: 0o600, flag: "wx", flush: true });
    renameSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
}
