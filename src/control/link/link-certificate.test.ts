import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { createAuthority } from "#tls/authority.ts";
import { issueLinkCertificate } from "./link-certificate.ts";

const now = Date.now();

test("the certificate holds for the listen address, for loopback and for further names", async () => {
  const authority = await createAuthority({ name: "test", now });
  const names = ["control.internal", "192.0.2.9"];

  const { cert, ca } = await issueLinkCertificate(authority, {
    listen: { host: "192.0.2.7", port: 8250 },
    names,
    now,
  });

  const leaf = new X509Certificate(cert);
  for (const address of ["192.0.2.7", "192.0.2.9", "127.0.0.1", "::1"])
    assert.ok(leaf.checkIP(address), address);
  for (const name of ["localhost", "control.internal"]) assert.ok(leaf.checkHost(name), name);
  assert.equal(leaf.checkIP("192.0.2.8"), undefined);
  assert.equal(ca, authority.certificate);
});

test("a control that listens on every address names this machine's", async () => {
  const authority = await createAuthority({ name: "test", now });

  const { cert } = await issueLinkCertificate(authority, {
    listen: { host: "0.0.0.0", port: 0 },
    names: [],
    now,
  });

  const leaf = new X509Certificate(cert);
  assert.ok(leaf.checkIP("127.0.0.1"));
  assert.equal(leaf.checkIP("0.0.0.0"), undefined);
});
