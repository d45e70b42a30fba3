import type { Clock } from "#base/clock.ts";
import type { Secret } from "#base/secret.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Audit } from "../audit/audit.ts";
import type { Accounts, Whence } from "../services.ts";
import type { WebSessionKind, WebSessionTable } from "../store/schema.ts";
import type { Queries, Store } from "../store/store.ts";
import { credentialHash, newCredential } from "../vault/credential.ts";
import { sameSecret } from "../vault/same-secret.ts";
import type { Place, Vault } from "../vault/vault.ts";
import { apiSecretPlace } from "./api-keys.ts";
import { accountKey, accountObject, requireAccount } from "./directory.ts";

const limits = {
  /** A sign-in link is meant to be used at once, but a first start may be left standing over a coffee. */
  codeMs: 60 * 60 * 1000,
  webSessionMs: 12 * 60 * 60 * 1000,
  /** Of one account; the oldest gives way. */
  codesPerAccount: 20,
  /** The same, of each kind by itself: a script that logs in over and over again signs no person out. */
  webSessionsPerAccount: { browser: 100, cloudstack: 100 } satisfies Record<WebSessionKind, number>,
} as const;

/** No API key is called so. */
const NOBODY: Place = apiSecretPlace("nobody");

type SignIn = Pick<
  Accounts,
  "signIn" | "bySecret" | "signInBySecret" | "signOut" | "signInLink" | "noteRefusedKey"
>;

/** Signing in: a one-time code, or the secret of an API key, becomes a cookie. Of code and cookie only hashes are kept. */
export function createSignIn({
  store,
  audit,
  vault,
  clock,
  callers,
  publicOrigin,
}: {
  readonly store: Store;
  readonly audit: Audit;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly callers: Pick<Accounts, "byApiKey">;
  /** Control's own, for the link. */
  readonly publicOrigin: () => string;
}): SignIn {
  // What a secret is compared with where there is no account of that name: see signInBySecret.
  const nobodysSecret = vault.seal(newCredential().value, NOBODY);
  const fits = (secret: Secret, sealed: string, place: Place) =>
    sameSecret(secret.expose(), vault.open(sealed, place).expose());

  return {
    async signInLink(caller, accountId = caller.accountId) {
      if (caller.role !== "admin" && accountId !== caller.accountId) throw new GatewayError("not_found");
      const code = newCredential();
      const expiresAt = clock.now() + limits.codeMs;
      await store.db.transaction().execute(async (db) => {
        await store.lock(db, accountKey(accountId));
        const object = accountObject(await requireAccount(db, accountId));
        await db
          .insertInto("sign_in_codes")
          .values({ hash: code.hash, account_id: accountId, expires_at: expiresAt })
          .execute();
        await forgetOldestCodes(db, accountId);
        await audit.record(db, { action: "sign-in-link.add", by: caller, object });
      });
      return {
        url: `${publicOrigin()}/#code=${code.value.expose()}`,
        expiresAt: new Date(expiresAt).toISOString(),
      };
    },

    async signIn(code, from) {
      const cookie = newCredential();
      const expiresAt = clock.now() + limits.webSessionMs;
      await store.db.transaction().execute(async (db) => {
        const shown = await db
          .selectFrom("sign_in_codes")
          .select("account_id")
          .where("hash", "=", credentialHash(code))
          .executeTakeFirst();
        // Before the code is taken: who makes room for another code has this, and takes codes then.
        if (shown !== undefined) await store.lock(db, accountKey(shown.account_id));
        // Whoever deletes the code has used it: of two who come at once, one finds it.
        const spent = await db
          .deleteFrom("sign_in_codes")
          .where("hash", "=", credentialHash(code))
          .where("expires_at", ">", store.now)
          .returning("account_id")
          .executeTakeFirst();
        if (spent === undefined) throw new GatewayError("sign_in_code_invalid");
        const session = { hash: cookie.hash, account_id: spent.account_id, expires_at: expiresAt };
        await writeWebSession(db, { ...session, kind: "browser" }, store);
        const { id, name } = await requireAccount(db, spent.account_id);
        await audit.record(db, { action: "sign-in", by: { ...from, accountId: id, name } });
      });
      return { cookie: cookie.value, expiresAt: new Date(expiresAt) };
    },

    async bySecret(name, secret, address, from) {
      const found = await keyOfSecret(name, secret, { ...from, address });
      return found === undefined ? undefined : (await callers.byApiKey(found.api_key, address))?.caller;
    },

    async signInBySecret(name, secret, address, from) {
      const found = await keyOfSecret(name, secret, { ...from, address });
      if (found === undefined) return undefined;
      const cookie = newCredential();
      const expiresAt = clock.now() + limits.webSessionMs;
      const session = { hash: cookie.hash, account_id: found.id, expires_at: expiresAt };
      const by = { ...from, address, accountId: found.id, name: found.name, apiKey: found.api_key };
      await store.db.transaction().execute(async (db) => {
        await writeWebSession(db, { ...session, kind: "cloudstack" }, store);
        await audit.record(db, { action: "sign-in", by });
      });
      const caller = await callers.byApiKey(found.api_key, address);
      if (caller === undefined) return undefined;
      return { cookie: cookie.value, expiresAt: new Date(expiresAt), caller: caller.caller };
    },

    async noteRefusedKey(apiKey, from) {
      const account = await store.db
        .selectFrom("api_keys")
        .innerJoin("accounts", "accounts.id", "api_keys.account_id")
        .select(["accounts.id", "accounts.name"])
        .where("api_keys.api_key", "=", apiKey)
        .executeTakeFirst();
      // A key that is nobody's may be a secret that was sent in its place.
      const by =
        account === undefined ? from : { ...from, accountId: account.id, name: account.name, apiKey };
      await audit.recordRefusal({ action: "sign-in", by }, { code: "unauthenticated" });
    },

    async signOut(cookie, from) {
      await store.db.transaction().execute(async (db) => {
        const ended = await db
          .deleteFrom("web_sessions")
          .where("hash", "=", credentialHash(cookie))
          .returning("account_id")
          .executeTakeFirst();
        if (ended === undefined) return;
        const { id, name } = await requireAccount(db, ended.account_id);
        await audit.record(db, { action: "sign-out", by: { ...from, accountId: id, name } });
      });
    },
  };

  /** The key whose secret that is: of that name, or of the account of that name. A refusal is written down. */
  async function keyOfSecret(name: string, secret: Secret, from: Whence) {
    const keys = await store.db
      .selectFrom("api_keys")
      .innerJoin("accounts", "accounts.id", "api_keys.account_id")
      .select(["api_keys.api_key", "api_keys.secret_sealed", "accounts.id", "accounts.name"])
      .where((where) => where.or([where("api_keys.api_key", "=", name), where("accounts.name", "=", name)]))
      .where("accounts.disabled", "=", 0)
      .execute();
    // A name that is not known costs what a wrong secret costs: the time of a refusal must not tell who has an account.
    if (keys.length === 0) fits(secret, nobodysSecret, NOBODY);
    const found = keys.find((key) => fits(secret, key.secret_sealed, apiSecretPlace(key.api_key)));
    if (found === undefined) {
      // What was taken for a name may be a secret: only that of an account that there is is written down.
      const [meant] = keys;
      const by = { ...from, accountId: meant?.id, name: meant?.name };
      await audit.recordRefusal({ action: "sign-in", by }, { code: "unauthenticated" });
      return undefined;
    }
    return found;
  }
}

/** Forgets codes, web sessions and tokens that are over. Runs now and then. */
export async function sweepSignIns(store: Store): Promise<void> {
  for (const table of ["sign_in_codes", "web_sessions", "identity_tokens"] as const)
    await store.db.deleteFrom(table).where("expires_at", "<=", store.now).execute();
}

async function writeWebSession(
  db: Queries,
  session: WebSessionTable,
  { lock }: Pick<Store, "lock">,
): Promise<void> {
  const { account_id, kind } = session;
  await lock(db, accountKey(account_id));
  const most = limits.webSessionsPerAccount[kind];
  await db.insertInto("web_sessions").values(session).execute();
  await db
    .deleteFrom("web_sessions")
    .where("hash", "in", (surplus) =>
      surplus
        .selectFrom("web_sessions")
        .select("hash")
        .where("account_id", "=", account_id)
        .where("kind", "=", kind)
        .orderBy("expires_at", "desc")
        .offset(most)
        .limit(most),
    )
    .execute();
}

async function forgetOldestCodes(db: Queries, accountId: string): Promise<void> {
  await db
    .deleteFrom("sign_in_codes")
    .where("hash", "in", (surplus) =>
      surplus
        .selectFrom("sign_in_codes")
        .select("hash")
        .where("account_id", "=", accountId)
        .orderBy("expires_at", "desc")
        .offset(limits.codesPerAccount)
        .limit(limits.codesPerAccount),
    )
    .execute();
}
