import { randomUUID } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { type Authority, issueNodeCertificate } from "#tls/authority.ts";
import { fingerprint } from "#tls/node-identity.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { JoinRequest, JoinResponse } from "#wire/link.ts";
import type { Audit } from "../audit/audit.ts";
import type { Store } from "../store/store.ts";
import { requireJoinToken, spendJoinToken } from "./join-tokens.ts";

interface Parts {
  readonly store: Store;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly log: Log;
  readonly authority: Authority;
  readonly installationId: string;
}

/** `address` is the peer's. */
export type Join = (request: JoinRequest, address?: string) => Promise<JoinResponse>;

/** Gives a new node its id and its certificate, for a join token. A request that is refused costs no use of it. */
export function createJoin({ store, audit, clock, log, authority, installationId }: Parts): Join {
  return async ({ joinToken, certificateRequest: request }, address) => {
    const pool = await requireJoinToken(store, joinToken);
    const nodeId = randomUUID();
    const now = clock.now();
    const certificate = await issueOrRefuse(authority, { installationId, nodeId, request, now });

    await store.db.transaction().execute(async (db) => {
      await db
        .insertInto("nodes")
        .values({
          id: nodeId,
          pool,
          certificate_fingerprint: fingerprint(certificate),
          incarnation: null,
          page_origin: "",
          web_socket_origin: "",
          version: "",
          maximum_sessions: null,
          sessions: 0,
          seen_at: now,
          created_at: now,
        })
        .execute();
      const object = { kind: "node", id: nodeId } as const;
      await audit.record(db, { action: "node.join", by: { nodeId, address, api: "link" }, object });
      // Last, as all who join with the same token wait for each other from here to the commit.
      await spendJoinToken(db, store, joinToken);
    });
    log.info({ nodeId }, "Node joined");
    return { nodeId, certificate, authority: authority.certificate };
  };
}

async function issueOrRefuse(
  authority: Authority,
  options: Parameters<typeof issueNodeCertificate>[1],
): Promise<string> {
  try {
    return await issueNodeCertificate(authority, options);
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
    throw new GatewayError("request_invalid", { cause, detail: `certificateRequest: ${cause.message}` });
  }
}
