import type { Clock } from "#base/clock.ts";
import { joinTokenDefaults as defaults, type JoinToken, type NewJoinToken } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Queries, Store } from "../store/store.ts";
import { credentialHash, newCredential } from "../vault/credential.ts";
import { noteJoined } from "./capacity/joining.ts";

const limits = {
  /** 192 bits. */
  secretBytes: 24,
} as const;

/**
 * Makes a join token, `<fingerprint of the CA>.<secret>`: by the first part a node knows control at their first
 * contact, by the second control knows that an operator sent the node. Only the secret's hash is kept.
 */
export async function writeJoinToken(
  db: Queries,
  { pool = defaults.pool, uses = defaults.uses, expiresInSeconds = defaults.expiresInSeconds }: NewJoinToken,
  {
    clock,
    authorityFingerprint,
    launchId = null,
  }: {
    readonly clock: Clock;
    readonly authorityFingerprint: string;
    /** Where it is for a node that control launches. */
    readonly launchId?: string | null;
  },
): Promise<JoinToken> {
  const { value, hash } = newCredential(limits.secretBytes);
  const now = clock.now();
  const expiresAt = now + expiresInSeconds * 1000;
  await db
    .insertInto("join_tokens")
    .values({ hash, pool, launch_id: launchId, uses_left: uses, expires_at: expiresAt, created_at: now })
    .execute();
  return {
    token: `${authorityFingerprint}.${value.expose()}`,
    expiresAt: new Date(expiresAt).toISOString(),
  };
}

/** The pool that a token is for. Throws `join_token_invalid`, before anything costly is done for whoever asks. */
export async function requireJoinToken(store: Store, token: string): Promise<string> {
  const row = await store.db
    .selectFrom("join_tokens")
    .select("pool")
    .where("hash", "=", hashOf(token))
    .where("uses_left", ">", 0)
    .where("expires_at", ">", store.now)
    .executeTakeFirst();
  if (row === undefined) throw new GatewayError("join_token_invalid");
  return row.pool;
}

/**
 * Takes one use, or throws `join_token_invalid`: of two nodes that come with the last use one gets it. A node that was
 * launched is its order's from here on; one whose order has a node, or was given up, is refused.
 */
export async function spendJoinToken(
  db: Queries,
  store: Store,
  { token, nodeId }: { readonly token: string; readonly nodeId: string },
): Promise<void> {
  const spent = await db
    .updateTable("join_tokens")
    .set((set) => ({ uses_left: set("uses_left", "-", 1) }))
    .where("hash", "=", hashOf(token))
    .where("uses_left", ">", 0)
    .where("expires_at", ">", store.now)
    .returning("launch_id")
    .executeTakeFirst();
  if (spent === undefined) throw new GatewayError("join_token_invalid");
  const { launch_id: launchId } = spent;
  if (launchId === null || (await noteJoined(db, { launchId, nodeId, now: store.now }))) return;
  throw new GatewayError("join_token_invalid", {
    detail: "the node that was launched with it is not wanted any more",
  });
}

/** Forgets join tokens that are over. Runs now and then. */
export async function sweepJoinTokens(store: Store): Promise<void> {
  await store.db
    .deleteFrom("join_tokens")
    .where((where) => where.or([where("expires_at", "<=", store.now), where("uses_left", "=", 0)]))
    .execute();
}

function hashOf(token: string): string {
  return credentialHash(token.slice(token.indexOf(".") + 1));
}
