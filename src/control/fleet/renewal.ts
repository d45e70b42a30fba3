import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import type { Authority } from "#tls/authority.ts";
import { fingerprint } from "#tls/node-identity.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { RenewRequest, RenewResponse } from "#wire/link.ts";
import type { Audit } from "../audit/audit.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Store } from "../store/store.ts";
import { issueOrRefuse } from "./node-certificate.ts";

interface Parts {
  readonly store: Store;
  readonly audit: Audit;
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly log: Log;
  readonly authority: Authority;
  readonly installationId: string;
}

/**
 * Certificates that nodes renew while they run.
 *
 * INVARIANT: at any time one certificate that the node has on its disk is good. The new one is good beside the old one
 * from when it is given; the old one is good until the node comes with the new one.
 */
export interface Renewal {
  renew(nodeId: string, request: RenewRequest): Promise<RenewResponse>;
  /** The node has come with the certificate that was meant to be the next: from now on it is the only one. */
  settle(nodeId: string, fingerprint: string): Promise<void>;
}

export function createRenewal(parts: Parts): Renewal {
  const { store, audit, cluster, clock, log, authority, installationId } = parts;
  // Signing costs more than asking: whoever asks again before the answer does not get two signed.
  const running = new Set<string>();

  return {
    async renew(nodeId, { incarnation, certificateRequest: request }) {
      if (running.has(nodeId)) throw new GatewayError("rate_limited");
      running.add(nodeId);
      try {
        const now = clock.now();
        const certificate = await issueOrRefuse(authority, { installationId, nodeId, request, now });
        await store.db.transaction().execute(async (db) => {
          const { numUpdatedRows } = await db
            .updateTable("nodes")
            .set({ next_fingerprint: fingerprint(certificate) })
            .where("id", "=", nodeId)
            .where("incarnation", "=", incarnation)
            .where("revoked_at", "is", null)
            .executeTakeFirst();
          if (numUpdatedRows === 0n) throw new GatewayError("node_superseded");
          const object = { kind: "node", id: nodeId } as const;
          await audit.record(db, { action: "node.renew", by: { nodeId, api: "link" }, object });
        });
        log.info({ nodeId }, "A node renews its certificate");
        return { certificate };
      } finally {
        running.delete(nodeId);
      }
    },

    async settle(nodeId, next) {
      await store.db.transaction().execute(async (db) => {
        await db
          .updateTable("nodes")
          .set({ certificate_fingerprint: next, next_fingerprint: null })
          .where("id", "=", nodeId)
          .where("next_fingerprint", "=", next)
          .execute();
        // Where a channel is open with the old one, here or at another replica, it is closed.
        await cluster.publish(db, "node", nodeId);
      });
    },
  };
}
