import { randomBytes } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import type { Secret } from "#base/secret.ts";
import type { NewApiKey } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Audit } from "../audit/audit.ts";
import { requireAdministrator } from "../rights.ts";
import type { Accounts } from "../services.ts";
import type { CloseSessions } from "../sessions/closing.ts";
import type { Queries, Store } from "../store/store.ts";
import { newCredential } from "../vault/credential.ts";
import type { Place, Vault } from "../vault/vault.ts";
import { accountKey, requireAccount } from "./directory.ts";

const limits = {
  /** Enough to give each of an account's programs its own, and to change them one by one. */
  keysPerAccount: 50,
} as const;

/** The key names its holder and is no secret; it is still long enough not to be guessed. */
const API_KEY_BYTES = 20;

export function createApiKeys({
  store,
  audit,
  vault,
  clock,
  closeSessions,
}: {
  readonly store: Store;
  readonly audit: Audit;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly closeSessions: CloseSessions;
}): Pick<Accounts, "addApiKey" | "listApiKeys" | "removeApiKey"> {
  return {
    async addApiKey(caller, accountId) {
      requireAdministrator(caller);
      return await store.db.transaction().execute(async (db) => {
        await store.lock(db, accountKey(accountId));
        const { name } = await requireAccount(db, accountId);
        const { count } = await db
          .selectFrom("api_keys")
          .select((select) => select.fn.countAll<number>().as("count"))
          .where("account_id", "=", accountId)
          .executeTakeFirstOrThrow();
        if (count >= limits.keysPerAccount)
          throw new GatewayError("limit_reached", {
            detail: `an account has at most ${limits.keysPerAccount} API keys`,
          });
        const made = await writeApiKey(db, { vault, accountId, now: clock.now() });
        const object = { kind: "api-key", id: made.apiKey, name } as const;
        await audit.record(db, { action: "api-key.add", by: caller, object, detail: `account ${accountId}` });
        return made;
      });
    },

    async listApiKeys(caller, accountId) {
      requireAdministrator(caller);
      await requireAccount(store.db, accountId);
      const rows = await store.db
        .selectFrom("api_keys")
        .select(["api_key", "created_at"])
        .where("account_id", "=", accountId)
        .orderBy("created_at")
        .execute();
      return rows.map((row) => ({
        apiKey: row.api_key,
        createdAt: new Date(row.created_at).toISOString(),
      }));
    },

    async removeApiKey(caller, accountId, apiKey) {
      requireAdministrator(caller);
      await store.db.transaction().execute(async (db) => {
        const { numDeletedRows } = await db
          .deleteFrom("api_keys")
          .where("api_key", "=", apiKey)
          .where("account_id", "=", accountId)
          .executeTakeFirst();
        if (numDeletedRows === 0n) throw new GatewayError("not_found", { detail: "API key" });
        const { name } = await requireAccount(db, accountId);
        const object = { kind: "api-key", id: apiKey, name } as const;
        await audit.record(db, {
          action: "api-key.remove",
          by: caller,
          object,
          detail: `account ${accountId}`,
        });
        const opened: Parameters<CloseSessions>[1] = (session) =>
          session.and([session("account_id", "=", accountId), session("api_key", "=", apiKey)]);
        await closeSessions(db, opened, { code: "access_withdrawn" });
      });
    },
  };
}

/** Makes a key; the secret is in the answer and, sealed, in the database. */
export async function writeApiKey(
  db: Queries,
  { vault, accountId, now }: { readonly vault: Vault; readonly accountId: string; readonly now: number },
): Promise<NewApiKey> {
  // Not base64url, which may begin with a hyphen: keys are named on command lines.
  const apiKey = randomBytes(API_KEY_BYTES).toString("hex");
  const secret: Secret = newCredential().value;
  await db
    .insertInto("api_keys")
    .values({
      api_key: apiKey,
      account_id: accountId,
      secret_sealed: vault.seal(secret, apiSecretPlace(apiKey)),
      created_at: now,
    })
    .execute();
  return { apiKey, secretKey: secret.expose() };
}

/** Where a secret key is sealed for. */
export function apiSecretPlace(apiKey: string): Place {
  return { table: "api_keys", row: apiKey, column: "secret_sealed" };
}
