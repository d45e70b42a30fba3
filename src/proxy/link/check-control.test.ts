import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import {
  createAuthority,
  issueEntranceCertificate,
  issueNodeCertificate,
  issueServerCertificate,
} from "#tls/authority.ts";
import { createCertificateRequest } from "#tls/certificate-request.ts";
import { checkControl } from "./check-control.ts";

const now = Date.now();
const authority = await createAuthority({ name: "test", now });

function peer(pem: string) {
  return new X509Certificate(pem).toLegacyObject() as Parameters<typeof checkControl>[1];
}

test("control's certificate holds for its own addresses alone", async () => {
  const { certificate } = await issueServerCertificate(authority, { hosts: ["192.0.2.1"], now });

  assert.equal(checkControl("192.0.2.1", peer(certificate)), undefined);
  assert.match(checkControl("192.0.2.2", peer(certificate))?.message ?? "", /does not match/);
});

test("a node is not control, whatever its certificate holds for", async () => {
  const { request } = await createCertificateRequest();
  const certificate = await issueNodeCertificate(authority, {
    request,
    nodeId: "n",
    installationId: "i",
    now,
  });

  assert.match(checkControl("192.0.2.1", peer(certificate))?.message ?? "", /a node's certificate/);
});

test("what a node shows to browsers is not control's, though both may be at one address", async () => {
  const { certificate } = await issueEntranceCertificate(authority, {
    hosts: ["192.0.2.1"],
    now,
    lifetimeMs: 60_000,
  });

  assert.match(checkControl("192.0.2.1", peer(certificate))?.message ?? "", /shown? to browsers/);
});
