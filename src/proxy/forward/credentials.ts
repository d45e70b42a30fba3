import { createSecureContext, type SecureContext, type TLSSocket } from "node:tls";
import { type AnyCertificate, nodeIdentity } from "#tls/node-identity.ts";
import type { LinkCredentials } from "../link/link-client.ts";

/** What nodes show each other, and what they take the other for. */
export interface HopCredentials extends LinkCredentials {
  readonly secureContext: SecureContext;
  /** The id of a node of the same installation; `undefined` for control, other installations' nodes and strangers. */
  readonly nodeOf: (certificate: AnyCertificate | undefined) => string | undefined;
}

export function hopCredentials(own: LinkCredentials): HopCredentials {
  const { authority, certificate, privateKey } = own;
  const installationId = nodeIdentity(certificate)?.installationId;
  return {
    authority,
    certificate,
    privateKey,
    secureContext: createSecureContext({
      ca: authority,
      cert: certificate,
      key: privateKey,
      minVersion: "TLSv1.3",
    }),
    nodeOf: (shown) => {
      const other = shown === undefined ? undefined : nodeIdentity(shown);
      return other !== undefined && other.installationId === installationId ? other.nodeId : undefined;
    },
  };
}

/** Who is at the other end. INVARIANT: nothing that a certificate says is believed unless our CA signed it. */
export function nodeAt(socket: TLSSocket, { nodeOf }: HopCredentials): string | undefined {
  return socket.authorized ? nodeOf(socket.getPeerX509Certificate()) : undefined;
}
