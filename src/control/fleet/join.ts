import { randomUUID } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import type { Authority } from "#tls/authority.ts";
import { fingerprint } from "#tls/node-identity.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { JoinRequest, JoinResponse } from "#wire/link.ts";
import type { Audit } from "../audit/audit.ts";
import type { Queries, Store } from "../store/store.ts";
import { requireJoinToken, spendJoinToken } from "./join-tokens.ts";
import { issueOrRefuse } from "./node-certificate.ts";
import type { ReviewToken } from "./token-review.ts";

interface Parts {
  readonly store: Store;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly log: Log;
  readonly authority: Authority;
  readonly installationId: string;
  readonly pods?: Pods | undefined;
}

/** Where pods may join with the tokens of their service accounts. */
export interface Pods {
  readonly review: ReviewToken;
  /** Of a pod as NAMESPACE/NAME. */
  poolOf(pod: string): string;
}

/** `address` is the peer's. */
export type Join = (request: JoinRequest, address?: string) => Promise<JoinResponse>;

/**
 * Gives a new node its id and its certificate, for a join token or the token of a pod's service account. A request that is
 * refused costs no use of a join token.
 */
export function createJoin(parts: Parts): Join {
  const { store, audit, clock, log, authority, installationId } = parts;
  return async ({ certificateRequest: request, ...shown }, address) => {
    const admission = await admit(shown, parts);
    const nodeId = randomUUID();
    const now = clock.now();
    const certificate = await issueOrRefuse(authority, { installationId, nodeId, request, now });

    await store.db.transaction().execute(async (db) => {
      await db
        .insertInto("nodes")
        .values({
          id: nodeId,
          pool: admission.pool,
          joined_as: admission.pod ?? null,
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
      const by = { nodeId, address, api: "link" } as const;
      await audit.record(db, { action: "node.join", by, object, detail: admission.pod });
      // Last, as all who join with the same token wait for each other from here to the commit.
      await admission.spend(db, nodeId);
    });
    log.info({ nodeId, pod: admission.pod }, "Node joined");
    return { nodeId, certificate, authority: authority.certificate };
  };
}

interface Admission {
  /** That the node belongs to. */
  readonly pool: string;
  /** Throws where another node was quicker. */
  spend(db: Queries, nodeId: string): Promise<void>;
  /** That it joined from, in Kubernetes. */
  readonly pod?: string;
}

/** Throws before anything costly is done for whoever asks. */
async function admit(
  { joinToken, serviceAccountToken }: Pick<JoinRequest, "joinToken" | "serviceAccountToken">,
  { store, pods }: Parts,
): Promise<Admission> {
  if ((joinToken === undefined) === (serviceAccountToken === undefined))
    throw new GatewayError("request_invalid", {
      detail: "one of joinToken and serviceAccountToken is needed",
    });
  if (joinToken !== undefined) {
    const pool = await requireJoinToken(store, joinToken);
    return {
      pool,
      spend: async (db, nodeId) => await spendJoinToken(db, store, { token: joinToken, nodeId }),
    };
  }
  if (pods === undefined)
    throw new GatewayError("join_token_invalid", { detail: "this control takes no service account tokens" });
  const pod = await pods.review(serviceAccountToken ?? "");
  return { pool: pods.poolOf(pod), pod, spend: async () => {} };
}
