import type { Role } from "#wire/api.ts";
import type { Accounts, Caller } from "../services.ts";
import { prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import { credentialHash } from "../vault/credential.ts";
import type { Vault } from "../vault/vault.ts";
import { apiSecretPlace } from "./api-keys.ts";

/** Who a request comes from: on the way of every request, so one statement each. */
export function createCallers({
  store,
  vault,
}: {
  readonly store: Store;
  readonly vault: Vault;
}): Pick<Accounts, "byApiKey" | "byCookie"> {
  const findByApiKey = prepare(store, { apiKey: TEXT }, (db, { apiKey }) =>
    db
      .selectFrom("api_keys")
      .innerJoin("accounts", "accounts.id", "api_keys.account_id")
      .leftJoin("memberships", "memberships.account_id", "accounts.id")
      .select(["accounts.id", "accounts.name", "accounts.role", "memberships.project_id"])
      .select("api_keys.secret_sealed")
      .where("api_keys.api_key", "=", apiKey)
      .where("accounts.disabled", "=", 0),
  );
  const findByCookie = prepare(store, { hash: TEXT }, (db, { hash }) =>
    db
      .selectFrom("web_sessions")
      .innerJoin("accounts", "accounts.id", "web_sessions.account_id")
      .leftJoin("memberships", "memberships.account_id", "accounts.id")
      .select(["accounts.id", "accounts.name", "accounts.role", "memberships.project_id"])
      .where("web_sessions.hash", "=", hash)
      .where("web_sessions.expires_at", ">", store.now)
      .where("accounts.disabled", "=", 0),
  );

  return {
    async byApiKey(apiKey, address) {
      const rows = await findByApiKey(store.db, { apiKey });
      const [first] = rows;
      if (first === undefined) return undefined;
      const secretKey = vault.open(first.secret_sealed, apiSecretPlace(apiKey));
      return { caller: { ...toCaller(first, rows, address), apiKey }, secretKey };
    },

    async byCookie(cookie, address) {
      const rows = await findByCookie(store.db, { hash: credentialHash(cookie) });
      const [first] = rows;
      return first === undefined ? undefined : toCaller(first, rows, address);
    },
  };
}

interface CallerRow {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly project_id: string | null;
}

/** One row for each project of the account, or one without. */
export function toCaller({ id, name, role }: CallerRow, rows: readonly CallerRow[], address: string): Caller {
  const projectIds = rows.map((row) => row.project_id).filter((project) => project !== null);
  return { accountId: id, name, role, projectIds, address };
}
