import type { TLSSocket } from "node:tls";
import type { Clock } from "#base/clock.ts";
import { fingerprint, nodeIdentity } from "#tls/node-identity.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { FORGOTTEN } from "#wire/link-refusals.ts";
import { prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";

/** A node, as its connection shows it. */
export interface NodePeer {
  readonly nodeId: string;
  /** Of the certificate that it shows. */
  readonly fingerprint: string;
  /** Whether that is the one that it was given last, and control has to settle on: see fleet/renewal.ts. */
  readonly isNext: boolean;
}

/**
 * Which node a connection is from. Throws `node_refused` for everything that is no node of this installation, with the
 * detail FORGOTTEN for what was one: such a node may join anew by itself, which one that was revoked may not.
 */
export type IdentifyNode = (socket: TLSSocket) => Promise<NodePeer>;

/**
 * A certificate of our CA is not enough: it must name a node, of this installation, that exists and is not revoked, and
 * be the very certificate that the node was given last, or the one before until the node has come with that.
 */
export function createNodeIdentification(
  store: Store,
  { installationId, clock }: { readonly installationId: string; readonly clock: Clock },
): IdentifyNode {
  const find = prepare(store, { id: TEXT }, (db, slots) =>
    db
      .selectFrom("nodes")
      .select(["id", "certificate_fingerprint", "next_fingerprint", "revoked_at"])
      .where("id", "=", slots.id),
  );
  // A connection keeps its certificate, and reading one costs more than the rest of a request.
  const known = new WeakMap<TLSSocket, Peer | undefined>();

  return async (socket) => {
    if (!known.has(socket)) known.set(socket, peerOf(socket, installationId));
    const peer = known.get(socket);
    // TLS has looked at it when the connection was made, which may be long ago.
    const isCurrent = peer !== undefined && peer.endsAt > clock.now();
    if (!isCurrent) throw new GatewayError("node_refused");
    const [node] = await find(store.db, { id: peer.id });
    if (node === undefined) throw new GatewayError("node_refused", { detail: FORGOTTEN });
    const isNext = node.certificate_fingerprint !== peer.fingerprint;
    const isReplaced = isNext && node.next_fingerprint !== peer.fingerprint;
    if (node.revoked_at !== null || isReplaced) throw new GatewayError("node_refused");
    return { nodeId: node.id, fingerprint: peer.fingerprint, isNext };
  };
}

interface Peer {
  readonly id: string;
  readonly fingerprint: string;
  /** Milliseconds since 1970. */
  readonly endsAt: number;
}

function peerOf(socket: TLSSocket, installationId: string): Peer | undefined {
  // INVARIANT: nothing that a certificate says is believed unless our CA signed it.
  if (!socket.authorized) return undefined;
  const certificate = socket.getPeerX509Certificate();
  const identity = certificate === undefined ? undefined : nodeIdentity(certificate);
  if (certificate === undefined || identity?.installationId !== installationId) return undefined;
  return {
    id: identity.nodeId,
    fingerprint: fingerprint(certificate),
    endsAt: Date.parse(certificate.validTo),
  };
}
