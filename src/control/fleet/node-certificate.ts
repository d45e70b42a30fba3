import { ProtocolError } from "#base/protocol-error.ts";
import { type Authority, issueNodeCertificate } from "#tls/authority.ts";
import { GatewayError } from "#wire/gateway-error.ts";

/** A node's certificate, PEM. Throws `request_invalid` for a request that is none. */
export async function issueOrRefuse(
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
