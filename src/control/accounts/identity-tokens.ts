import type { Clock } from "#base/clock.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Audit } from "../audit/audit.ts";
import { requireProject } from "../projects/projects.ts";
import { maySeeProject } from "../rights.ts";
import type { SettingValues } from "../settings/settings.ts";
import { prepare, TEXT } from "../store/prepared.ts";
import type { Queries, Store } from "../store/store.ts";
import { credentialHash, newCredential } from "../vault/credential.ts";
import { toCaller } from "./callers.ts";
import { accountKey } from "./directory.ts";
import type { IdentityTokens } from "./identity-service.ts";

const limits = {
  /** Of one account; the oldest gives way. Clients get one for each command, and give none back. */
  tokensPerAccount: 1000,
} as const;

/** Tokens for clients of OpenStack: got with an API key, good for a while, and of them only hashes are kept. */
export function createIdentityTokens({
  store,
  audit,
  clock,
  values,
}: {
  readonly store: Store;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly values: SettingValues;
}): IdentityTokens {
  const find = prepare(store, { hash: TEXT }, (db, { hash }) =>
    db
      .selectFrom("identity_tokens as tokens")
      .innerJoin("accounts", "accounts.id", "tokens.account_id")
      .leftJoin("memberships", "memberships.account_id", "accounts.id")
      .leftJoin("projects", "projects.id", "tokens.project_id")
      .select(["accounts.id", "accounts.name", "accounts.role", "memberships.project_id"])
      .select(["tokens.api_key", "tokens.issued_at", "tokens.expires_at"])
      .select(["projects.id as scope_id", "projects.name as scope_name"])
      .where("tokens.hash", "=", hash)
      .where("tokens.expires_at", ">", store.now)
      .where("accounts.disabled", "=", 0),
  );

  return {
    async issueToken(caller, { project, noLaterThan }, from) {
      const { accountId, name, apiKey } = caller;
      if (apiKey === undefined) throw new GatewayError("forbidden");
      const token = newCredential();
      const issuedAt = clock.now();
      const longest = issuedAt + values.value("identity.token.lifetime");
      const expiresAt = Math.min(longest, noLaterThan?.getTime() ?? longest);
      await store.db.transaction().execute(async (db) => {
        const scope = project === undefined ? undefined : await requireProject(db, project);
        if (scope !== undefined && !maySeeProject(caller, scope.id))
          throw new GatewayError("not_found", { detail: "project" });
        await store.lock(db, accountKey(accountId));
        await db
          .insertInto("identity_tokens")
          .values({
            ...{ hash: token.hash, account_id: accountId, api_key: apiKey, project_id: scope?.id ?? null },
            ...{ issued_at: issuedAt, expires_at: expiresAt },
          })
          .execute();
        await forgetOldest(db, accountId);
        await audit.record(db, { action: "sign-in", by: { ...from, accountId, name, apiKey } });
      });
      return token.value;
    },

    async byToken(token, address) {
      const rows = await find(store.db, { hash: credentialHash(token) });
      const [first] = rows;
      if (first === undefined) return undefined;
      const { scope_id: id, scope_name: name, api_key: apiKey } = first;
      const project = id === null || name === null ? undefined : { id, name };
      const caller = toCaller(first, rows, address);
      const projectIds = caller.projectIds.filter((each) => project === undefined || each === project.id);
      return {
        caller: { ...caller, projectIds, apiKey },
        issuedAt: new Date(first.issued_at),
        expiresAt: new Date(first.expires_at),
        ...(project === undefined ? {} : { project }),
      };
    },

    async revokeToken(caller, token, from) {
      const { accountId, name } = caller;
      await store.db.transaction().execute(async (db) => {
        const { numDeletedRows } = await db
          .deleteFrom("identity_tokens")
          .where("hash", "=", credentialHash(token))
          .$if(caller.role !== "admin", (query) => query.where("account_id", "=", accountId))
          .executeTakeFirst();
        if (numDeletedRows === 0n) throw new GatewayError("not_found", { detail: "token" });
        await audit.record(db, { action: "sign-out", by: { ...from, accountId, name } });
      });
    },
  };
}

async function forgetOldest(db: Queries, accountId: string): Promise<void> {
  await db
    .deleteFrom("identity_tokens")
    .where("hash", "in", (surplus) =>
      surplus
        .selectFrom("identity_tokens")
        .select("hash")
        .where("account_id", "=", accountId)
        .orderBy("issued_at", "desc")
        .offset(limits.tokensPerAccount)
        .limit(limits.tokensPerAccount),
    )
    .execute();
}
