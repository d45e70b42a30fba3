import { createHash, X509Certificate } from "node:crypto";
import { type Authority, issueServerCertificate } from "#tls/authority.ts";
import type { ServingCertificate } from "#wire/link-certificate.ts";

/** What control gives a node to serve: a new key and certificate for these hosts, of this CA. */
export async function newServingCertificate(
  authority: Authority,
  hosts: readonly string[] = ["127.0.0.1", "localhost"],
): Promise<ServingCertificate> {
  const { certificate: chain, privateKey } = await issueServerCertificate(authority, {
    hosts,
    now: Date.now(),
  });
  return { id: idOf(chain), chain, privateKey };
}

/** Of the first certificate in it. */
export function idOf(chain: string): string {
  return createHash("sha256").update(new X509Certificate(chain).raw).digest("hex");
}
