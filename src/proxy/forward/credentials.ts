import { createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { type AnyCertificate, nodeIdentity } from "#tls/node-identity.ts";
import type { LinkCredentials } from "../link/link-client.ts";

/** What nodes show each other, and what they take the other for. */
export interface HopCredentials {
  /** What is shown now: the node renews its certificate while it runs. */
  readonly own: LinkCredentials;
  readonly secureContext: SecureContext;
  /** The id of a node of the same installation; `undefined` for control, other installations' nodes and strangers. */
  readonly nodeOf: (certificate: AnyCertificate | undefined) => string | undefined;
  replace(own: LinkCredentials): void;
}

export function hopCredentials(first: LinkCredentials): HopCredentials {
  const installationId = nodeIdentity(first.certificate)?.installationId;
  let [own, secureContext] = [first, contextOf(first)];
  return {
    get own() {
      return own;
    },
    get secureContext() {
      return secureContext;
    },
    nodeOf: (shown) => {
      const other = shown === undefined ? undefined : nodeIdentity(shown);
      return other !== undefined && other.installationId === installationId ? other.nodeId : undefined;
    },
    replace(next) {
      [own, secureContext] = [next, contextOf(next)];
    },
  };
}

function contextOf({ authority, certificate, privateKey }: LinkCredentials): SecureContext {
  return createSecureContext({ ca: authority, cert: certificate, key: privateKey, minVersion: "TLSv1.3" });
}

/** Who is at the other end. INVARIANT: nothing that a certificate says is believed unless our CA signed it. */
export function nodeAt(socket: TLSSocket, { nodeOf }: HopCredentials): string | undefined {
  return socket.authorized ? nodeOf(socket.getPeerX509Certificate()) : undefined;
}
