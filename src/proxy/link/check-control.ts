import { checkServerIdentity, type PeerCertificate } from "node:tls";
import { isEntrance, nodeIdentity } from "#tls/node-identity.ts";

/** Control's certificate must hold for its address, and must not be a node's: a node is not control. */
export function checkControl(host: string, certificate: PeerCertificate): Error | undefined {
  if (nodeIdentity(certificate) !== undefined)
    return new Error("a node's certificate, where control's belongs");
  if (isEntrance(certificate)) return new Error("what nodes show to browsers, where control's belongs");
  return checkServerIdentity(host, certificate);
}
