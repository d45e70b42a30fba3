import type { Clock } from "#base/clock.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Accounts } from "../services.ts";
import type { Queries, Store } from "../store/store.ts";
import { credentialHash, newCredential } from "../vault/credential.ts";
import { requireAccount } from "./directory.ts";

const limits = {
  /** A sign-in link is meant to be used at once, but a first start may be left standing over a coffee. */
  codeMs: 60 * 60 * 1000,
  webSessionMs: 12 * 60 * 60 * 1000,
  /** Of one account; the oldest gives way. */
  codesPerAccount: 20,
  webSessionsPerAccount: 100,
} as const;

type SignIn = Pick<Accounts, "signIn" | "signOut" | "signInLink">;

/** Signing in to the web pages: a one-time code becomes a cookie. Of both only hashes are kept. */
export function createSignIn({
  store,
  clock,
  publicOrigin,
}: {
  readonly store: Store;
  readonly clock: Clock;
  /** Control's own, for the link. */
  readonly publicOrigin: () => string;
}): SignIn {
  return {
    async signInLink(caller, accountId = caller.accountId) {
      if (caller.role !== "admin" && accountId !== caller.accountId) throw new GatewayError("not_found");
      const code = newCredential();
      const expiresAt = clock.now() + limits.codeMs;
      await store.db.transaction().execute(async (db) => {
        await requireAccount(db, accountId);
        await db
          .insertInto("sign_in_codes")
          .values({ hash: code.hash, account_id: accountId, expires_at: expiresAt })
          .execute();
        await keepNewest(db, "sign_in_codes", accountId, limits.codesPerAccount);
      });
      return {
        url: `${publicOrigin()}/#code=${code.value.expose()}`,
        expiresAt: new Date(expiresAt).toISOString(),
      };
    },

    async signIn(code) {
      const cookie = newCredential();
      const expiresAt = clock.now() + limits.webSessionMs;
      await store.db.transaction().execute(async (db) => {
        // Whoever deletes the code has used it: of two who come at once, one finds it.
        const spent = await db
          .deleteFrom("sign_in_codes")
          .where("hash", "=", credentialHash(code))
          .where("expires_at", ">", store.now)
          .returning("account_id")
          .executeTakeFirst();
        if (spent === undefined) throw new GatewayError("sign_in_code_invalid");
        await db
          .insertInto("web_sessions")
          .values({ hash: cookie.hash, account_id: spent.account_id, expires_at: expiresAt })
          .execute();
        await keepNewest(db, "web_sessions", spent.account_id, limits.webSessionsPerAccount);
      });
      return { cookie: cookie.value, expiresAt: new Date(expiresAt) };
    },

    async signOut(cookie) {
      await store.db.deleteFrom("web_sessions").where("hash", "=", credentialHash(cookie)).execute();
    },
  };
}

/** Forgets codes and web sessions that are over. Runs now and then. */
export async function sweepSignIns(store: Store): Promise<void> {
  for (const table of ["sign_in_codes", "web_sessions"] as const)
    await store.db.deleteFrom(table).where("expires_at", "<=", store.now).execute();
}

async function keepNewest(
  db: Queries,
  table: "sign_in_codes" | "web_sessions",
  accountId: string,
  count: number,
): Promise<void> {
  const surplus = await db
    .selectFrom(table)
    .select("hash")
    .where("account_id", "=", accountId)
    .orderBy("expires_at", "desc")
    .offset(count)
    .limit(count)
    .execute();
  if (surplus.length === 0) return;
  await db
    .deleteFrom(table)
    .where(
      "hash",
      "in",
      surplus.map((row) => row.hash),
    )
    .execute();
}
