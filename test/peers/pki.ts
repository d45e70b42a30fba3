import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  ExtendedKeyUsage,
  HOUR_MS,
  type TestCertificate,
  testCertificate,
} from "../harness/test-certificates.ts";

/** The name that hypervisors are known by, which no resolver knows. */
export const SERVER_NAME = "kvm-7.example.com";

/** An authority of a test's own, and what it and others have signed for a hypervisor. */
export interface Pki {
  readonly authority: TestCertificate;
  /** Of nobody who is trusted. */
  readonly stranger: TestCertificate;
  readonly server: TestCertificate;
  readonly expired: TestCertificate;
  readonly client: TestCertificate;
  /** A client's, by the stranger. */
  readonly foreignClient: TestCertificate;
}

export async function createPki(): Promise<Pki> {
  const authority = await testCertificate({ commonName: "hypervisors" });
  const stranger = await testCertificate({ commonName: "stranger" });
  const names = [SERVER_NAME];
  const past = { notBefore: Date.now() - 48 * HOUR_MS, notAfter: Date.now() - 24 * HOUR_MS };
  const client = { names: ["node.example.com"], usages: [ExtendedKeyUsage.clientAuth] };
  return {
    authority,
    stranger,
    server: await testCertificate({ names, issuer: authority }),
    expired: await testCertificate({ names, issuer: authority, ...past }),
    client: await testCertificate({ ...client, issuer: authority }),
    foreignClient: await testCertificate({ ...client, issuer: stranger }),
  };
}

/** A folder as QEMU wants it (tls-creds-x509). */
export function writePki(folder: string, authority: TestCertificate, server: TestCertificate): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "ca-cert.pem"), authority.pem);
  writeFileSync(join(folder, "server-cert.pem"), server.pem);
  writeFileSync(join(folder, "server-key.pem"), server.keyPem, { mode: 0o600 });
  return folder;
}
