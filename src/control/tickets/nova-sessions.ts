import { hash } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { NovaConsole } from "#wire/link-nova.ts";
import type { Audit, AuditEntry, AuditObject } from "../audit/audit.ts";
import { lockExclusive } from "../consoles/session-insert.ts";
import { isConsole, isLive } from "../sessions/conditions.ts";
import { createSessionIds } from "../sessions/session-id.ts";
import type { Queries, Store } from "../store/store.ts";

/** In place of an account and a project, which a token of Nova's tells nothing of. Ours are UUIDs. */
export const NOVA_ACCOUNT = { id: "nova", name: "Nova", projectId: "nova" } as const;

/** A node has one attachment to each of these: that which the viewer came with. */
const ATTACHMENT = 1;

const limits = {
  /** A token that was used is remembered for longer than any Nova lets one live ([consoleauth]token_ttl, 600 s by default). */
  rememberedMs: 7 * 24 * 60 * 60 * 1000,
  /** Of one sweep's statement. */
  swept: 500,
} as const;

/** Which start of which node asks. */
interface Node {
  readonly nodeId: string;
  readonly incarnation: string;
}

interface Opening {
  readonly token: string;
  readonly nonce: string;
  readonly viewer: string;
  readonly machine: { readonly id: string; readonly name: string };
  readonly protocol: NovaConsole;
  /** The token opens more than one session. */
  readonly isReusable: boolean;
}

interface Opened {
  readonly sessionId: string;
  readonly attachment: number;
}

/**
 * Writes the session that a token of a Nova opens, at the node that its viewer came to. The same question, asked again since its answer
 * was lost, opens no other one. Throws `ticket_used`, or why the node cannot have it.
 */
export function createNovaSessions({
  store,
  audit,
  clock,
}: {
  readonly store: Store;
  readonly audit: Audit;
  readonly clock: Clock;
}): (node: Node, opening: Opening) => Promise<Opened> {
  const nextId = createSessionIds(clock);

  return async (node, opening) => {
    const tokenHash = hash("sha256", opening.token, "base64url");
    return await store.db.transaction().execute(async (db) => {
      await store.lock(db, `nova token ${tokenHash}`);
      const before = await usesOf(db, tokenHash, opening.nonce);
      if (before?.nonce === opening.nonce) return await again(db, node, before.session_id);
      if (before !== undefined && !opening.isReusable) throw new GatewayError("ticket_used");
      if (opening.protocol === "serial") await lockExclusive(store, db, opening.machine.id);
      await requireSeat(db, node, opening);
      const sessionId = nextId();
      const { nonce } = opening;
      const row = { hash: tokenHash, nonce, session_id: sessionId, used_at: store.now };
      await db.insertInto("nova_tokens").values(row).execute();
      await insertSession(db, { store, node, opening, sessionId });
      await audit.record(db, redeemedEntry(node.nodeId, opening, sessionId));
      return { sessionId, attachment: ATTACHMENT };
    });
  };
}

/** That of the same question, or else any. */
async function usesOf(db: Queries, tokenHash: string, nonce: string) {
  return await db
    .selectFrom("nova_tokens")
    .select(["nonce", "session_id"])
    .where("hash", "=", tokenHash)
    .orderBy((use) => use.case().when("nonce", "=", nonce).then(0).else(1).end())
    .limit(1)
    .executeTakeFirst();
}

/** Where nobody has heard the first answer, the session is as it was. */
async function again(db: Queries, { nodeId, incarnation }: Node, sessionId: string): Promise<Opened> {
  const session = await db
    .selectFrom("sessions")
    .select("attachment")
    .where("id", "=", sessionId)
    .where("node_id", "=", nodeId)
    .where("incarnation", "=", incarnation)
    .where("state", "=", "pending")
    .executeTakeFirst();
  if (session === undefined) throw new GatewayError("ticket_used");
  return { sessionId, attachment: session.attachment };
}

/** A serial line bears one connection: it stays with the node that has it, draining or not. Throws where this node is not to have it. */
async function requireSeat(
  db: Queries,
  { nodeId, incarnation }: Node,
  { machine, protocol }: Opening,
): Promise<void> {
  const node = await db
    .selectFrom("nodes")
    .select(["incarnation", "draining_at"])
    .where("id", "=", nodeId)
    .executeTakeFirst();
  if (node?.incarnation !== incarnation) throw new GatewayError("node_superseded");
  const holders =
    protocol !== "serial"
      ? []
      : await db
          .selectFrom("sessions")
          .select("node_id")
          .where("machine_id", "=", machine.id)
          .where("protocol", "=", protocol)
          .where(isConsole)
          .where(isLive)
          .execute();
  if (holders.some((holder) => holder.node_id !== nodeId)) throw new GatewayError("machine_busy");
  if (node.draining_at !== null && holders.length === 0) throw new GatewayError("node_draining");
}

async function insertSession(
  db: Queries,
  parts: {
    readonly store: Store;
    readonly node: Node;
    readonly opening: Opening;
    readonly sessionId: string;
  },
): Promise<void> {
  const { store, node, opening, sessionId } = parts;
  const { machine, viewer, protocol, nonce } = opening;
  await db
    .insertInto("sessions")
    .values({
      id: sessionId,
      account_id: NOVA_ACCOUNT.id,
      account_name: NOVA_ACCOUNT.name,
      api_key: null,
      project_id: NOVA_ACCOUNT.projectId,
      machine_id: machine.id,
      machine_name: machine.name,
      protocol,
      api: "nova",
      view_only: 0,
      purpose: "console",
      node_id: node.nodeId,
      incarnation: node.incarnation,
      attachment: ATTACHMENT,
      state: "pending",
      created_at: store.now,
      ticket_expires_at: store.now,
      redeemed_at: store.now,
      ended_at: null,
      // Who asked Nova for it, and from where, Nova does not tell.
      creator_address: viewer,
      bound_address: null,
      viewer_address: viewer,
      redemption_nonce: nonce,
      offline_grant: null,
      reopen_hash: null,
      ending_kind: null,
      ending_code: null,
      ending_detail: null,
      bytes_to_viewer: 0,
      bytes_from_viewer: 0,
    })
    .execute();
}

/** As the audit log tells it. */
export function redeemedEntry(
  nodeId: string,
  { viewer: address, machine }: { readonly viewer: string; readonly machine: Omit<AuditObject, "kind"> },
  sessionId?: string,
): AuditEntry {
  return {
    action: "console.redeem",
    by: { name: NOVA_ACCOUNT.name, nodeId, address, api: "nova" },
    object: { kind: "machine", ...machine },
    sessionId,
  };
}

/** Forgets tokens that no Nova takes for good any more. Resolves to how many, in its bounded batch. */
export async function sweepNovaTokens(store: Store): Promise<number> {
  const forgotten = await store.db
    .deleteFrom("nova_tokens")
    .where("session_id", "in", (old) =>
      old
        .selectFrom("nova_tokens")
        .select("session_id")
        .where("used_at", "<=", (where) => where(store.now, "-", limits.rememberedMs))
        .limit(limits.swept),
    )
    .returning("session_id")
    .execute();
  return forgotten.length;
}
