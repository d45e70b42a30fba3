import type { TLSSocket } from "node:tls";
import type { Clock } from "#base/clock.ts";
import { fingerprint, nodeIdentity } from "#tls/node-identity.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";

/** Which node a connection is from. Throws `node_refused` for everything that is no node of this installation. */
export type IdentifyNode = (socket: TLSSocket) => Promise<string>;

/**
 * A certificate of our CA is not enough: it must name a node, of this installation, that exists, and be the very
 * certificate that the node was given last.
 */
export function createNodeIdentification(
  store: Store,
  { installationId, clock }: { readonly installationId: string; readonly clock: Clock },
): IdentifyNode {
  const find = prepare(store, { id: TEXT, fingerprint: TEXT }, (db, slots) =>
    db
      .selectFrom("nodes")
      .select("id")
      .where("id", "=", slots.id)
      .where("certificate_fingerprint", "=", slots.fingerprint),
  );
  // A connection keeps its certificate, and reading one costs more than the rest of a request.
  const known = new WeakMap<TLSSocket, Peer | undefined>();

  return async (socket) => {
    if (!known.has(socket)) known.set(socket, peerOf(socket, installationId));
    const peer = known.get(socket);
    // TLS has looked at it when the connection was made, which may be long ago.
    const isCurrent = peer !== undefined && peer.endsAt > clock.now();
    const [node] = isCurrent ? await find(store.db, peer) : [];
    if (node === undefined) throw new GatewayError("node_refused");
    return node.id;
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
