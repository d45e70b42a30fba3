import { createPrivateKey, X509Certificate } from "node:crypto";
import { nodeIdentity } from "#tls/node-identity.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Identity } from "./identity.ts";

/** What control gave is this node's: of its CA, for its key, in its name. Throws a GatewayError. */
export function checkIssued(identity: Identity): Identity {
  const { nodeId, certificate, privateKey, authority } = identity;
  const issued = parseCertificate(certificate);
  const ours =
    issued?.verify(new X509Certificate(authority).publicKey) === true &&
    issued.checkPrivateKey(createPrivateKey(privateKey)) &&
    nodeIdentity(issued)?.nodeId === nodeId;
  if (!ours)
    throw new GatewayError("internal", { detail: "control gave a certificate that is not this node's" });
  return identity;
}

function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}
