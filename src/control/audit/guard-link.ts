import { canonicalAddress } from "#wire/address.ts";
import { toGatewayError } from "#wire/gateway-error.ts";
import type { Join } from "../fleet/join.ts";
import type { Registry } from "../fleet/registry.ts";
import type { IdentifyNode } from "../link/node-identity.ts";
import type { Audit, AuditEntry } from "./audit.ts";

/** What the node link refuses before it knows who asks, written into the audit log. */
export function guardIdentification(identify: IdentifyNode, audit: Audit): IdentifyNode {
  return async (socket) =>
    await withRefusal(
      audit,
      async () => await identify(socket),
      () => ({
        action: "node.connect",
        by: { api: "link", address: canonicalAddress(socket.remoteAddress ?? "") },
      }),
    );
}

export function guardJoin(join: Join, audit: Audit): Join {
  return async (request, address) =>
    await withRefusal(
      audit,
      async () => await join(request, address),
      () => ({
        action: "node.join",
        by: { api: "link", address },
      }),
    );
}

/** Heartbeats of a start that was superseded come by the second, and its registration tells of it. */
export function guardRegistry(registry: Registry, audit: Audit): Registry {
  return {
    ...registry,
    register: async (nodeId, request) =>
      await withRefusal(
        audit,
        async () => await registry.register(nodeId, request),
        () => ({
          action: "node.register",
          by: { nodeId, api: "link" },
          object: { kind: "node", id: nodeId },
        }),
      ),
  };
}

async function withRefusal<Result>(
  audit: Audit,
  work: () => Promise<Result>,
  entry: () => AuditEntry,
): Promise<Result> {
  try {
    return await work();
  } catch (thrown) {
    await audit.recordRefusal(entry(), toGatewayError(thrown));
    throw thrown;
  }
}
