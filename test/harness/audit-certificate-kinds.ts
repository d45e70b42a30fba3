import { readServerCertificate } from "#tls/certificate/server-certificate.ts";
import type { AuditAction } from "#wire/audit.ts";
import { by, idOf, type Kind } from "./audit-world.ts";
import { testCertificate } from "./test-certificates.ts";

/** An authority that is not there. */
const NOBODY = "https://127.0.0.1:1/directory";

/** Those of certificates, brought and issued. */
export const CERTIFICATE_KINDS: Readonly<Partial<Record<AuditAction, Kind>>> = {
  "certificate.upload": async ({ control, admin }) => {
    const { pem, keyPem, certificate } = await testCertificate({ names: ["console.example.com"] });
    return {
      act: () =>
        control.services.certificates.upload(admin, { certificate: pem, privateKey: keyPem, pool: "north" }),
      row: (made) => ({
        ...by(admin),
        object: { kind: "certificate", id: idOf(made) },
        detail: `console.example.com until ${certificate.notAfter.toISOString()} pool north`,
      }),
    };
  },
  "certificate.remove": async ({ control, admin }) => {
    const { pem, keyPem, certificate } = await testCertificate({ names: ["node.example.com"] });
    const { id } = await control.services.certificates.upload(admin, {
      certificate: pem,
      privateKey: keyPem,
    });
    return {
      act: () => control.services.certificates.remove(admin, id),
      row: () => ({
        ...by(admin),
        object: { kind: "certificate", id },
        detail: `node.example.com until ${certificate.notAfter.toISOString()} all pools`,
      }),
    };
  },
  "certificate.issue": async ({ control }) => {
    const { pem, keyPem, certificate } = await testCertificate({ names: ["console.example.com"] });
    const reading = readServerCertificate(
      { certificate: pem, privateKey: keyPem },
      { now: Date.now(), unfit: () => [] },
    );
    if ("problems" in reading) throw new Error(reading.problems.join());
    return {
      act: async () => {
        await control.store.db
          .transaction()
          .execute(async (db) => await control.issued.put(db, reading.certificate));
        return await control.services.certificates.list(control.admin);
      },
      row: (listed) => ({
        object: { kind: "certificate", id: (listed as [{ id: string }])[0].id },
        detail: `console.example.com until ${certificate.notAfter.toISOString()} all pools`,
      }),
    };
  },
  "certificate.issue-failed": async ({ control, admin }) => {
    await control.services.settings.set(admin, "consoleproxy.url.domain", "console.example.com");
    await control.services.acme.configure(admin, { directory: NOBODY });
    return {
      act: () => control.lookAfterCertificates(),
      row: () => ({
        detail:
          "the authority at 127.0.0.1:1 cannot be reached (ECONNREFUSED): see that control may connect to it",
      }),
    };
  },
  "acme.configure": async ({ control, admin }) => ({
    act: () =>
      control.services.acme.configure(admin, {
        directory: NOBODY,
        externalAccount: { keyId: "key-1", hmacKey: "c2VjcmV0LXNlY3JldC1zZWNyZXQ" },
        roots: "",
      }),
    row: () => ({ ...by(admin), detail: `directory=${NOBODY} externalAccount=key-1 roots` }),
  }),
  "acme.renew": async ({ control, admin }) => {
    await control.services.acme.configure(admin, {});
    return { act: () => control.services.acme.renew(admin), row: () => ({ ...by(admin) }) };
  },
  "acme.disable": async ({ control, admin }) => {
    await control.services.acme.configure(admin, { directory: NOBODY });
    return {
      act: () => control.services.acme.disable(admin),
      row: () => ({ ...by(admin), detail: NOBODY }),
    };
  },
};
