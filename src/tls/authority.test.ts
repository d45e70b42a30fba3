import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { connect, createServer, type SecureContextOptions, type TLSSocket } from "node:tls";
import { ProtocolError } from "#base/protocol-error.ts";
import {
  type Authority,
  createAuthority,
  issueNodeCertificate,
  issueServerCertificate,
} from "./authority.ts";
import { createCertificateRequest } from "./certificate-request.ts";
import { fingerprint, nodeIdentity } from "./node-identity.ts";

const now = Date.now();
const HOUR_MS = 3_600_000;

test("a node and control's link listener accept each other", async () => {
  const authority = await createAuthority({ name: "test", now });
  const node = await joinedNode(authority);

  const met = await meet({ server: await linkCertificate(authority), client: node, authority });

  assert.equal(met.serverAuthorized, true);
  assert.deepEqual(met.clientIdentity, { installationId: "here", nodeId: "node-1" });
});

test("control's certificate holds for each of its addresses and names, and no other", async () => {
  const authority = await createAuthority({ name: "test", now });
  const { certificate } = await issueServerCertificate(authority, {
    hosts: ["127.0.0.1", "::1", "control.example.com"],
    now,
  });

  const leaf = new X509Certificate(certificate);

  assert.equal(leaf.checkIP("127.0.0.1"), "127.0.0.1");
  assert.equal(leaf.checkIP("::1"), "::1");
  assert.equal(leaf.checkHost("control.example.com"), "control.example.com");
  assert.equal(leaf.checkHost("other.example.com"), undefined);
  assert.equal(leaf.checkIP("127.0.0.2"), undefined);
});

test("a joining node is shown the authority, so that it can compare its fingerprint", async () => {
  const authority = await createAuthority({ name: "test", now });

  const { certificate } = await linkCertificate(authority);

  const [leaf = "", root = ""] = certificate.split(/(?<=-----END CERTIFICATE-----\n)/);
  assert.equal(fingerprint(root), fingerprint(authority.certificate));
  assert.notEqual(fingerprint(leaf), fingerprint(root));
  assert.match(fingerprint(root), /^[A-Za-z0-9_-]{43}$/);
});

test("a server's certificate is not taken for a node's", async () => {
  const authority = await createAuthority({ name: "test", now });
  const server = await linkCertificate(authority);

  const met = await meet({ server, client: server, authority });

  assert.equal(met.serverAuthorized, false);
  assert.equal(met.clientIdentity, undefined);
});

test("another installation's node is not authorized, though it bears a node's name", async () => {
  const ours = await createAuthority({ name: "test", now });
  const theirs = await createAuthority({ name: "test", now });

  const met = await meet({
    server: await linkCertificate(ours),
    client: await joinedNode(theirs),
    authority: ours,
  });

  assert.equal(met.serverAuthorized, false);
});

test("a node does not accept another installation's control", async () => {
  const ours = await createAuthority({ name: "test", now });
  const theirs = await createAuthority({ name: "test", now });

  const met = meet({
    server: await linkCertificate(theirs),
    client: await joinedNode(ours),
    authority: ours,
  });

  await assert.rejects(met, { code: /SELF_SIGNED_CERT_IN_CHAIN|CERT_SIGNATURE_FAILURE|UNABLE_TO_/ });
});

test("a node's certificate does not pass for control's", async () => {
  const authority = await createAuthority({ name: "test", now });
  const node = await joinedNode(authority);

  await assert.rejects(meet({ server: node, client: node, authority }), {
    code: "ERR_TLS_CERT_ALTNAME_INVALID",
  });
});

test("a node cannot sign further certificates", async () => {
  const authority = await createAuthority({ name: "test", now });
  const node = await joinedNode(authority);

  const forged = await linkCertificate({ certificate: node.certificate, privateKey: node.privateKey });
  const chain = { ...forged, certificate: forged.certificate + authority.certificate };
  const met = meet({ server: chain, client: node, authority });

  await assert.rejects(met, /key usage does not include certificate signing/);
});

test("certificates begin an hour back, and end before their authority does", async () => {
  const longAgo = now - 3600 * 24 * HOUR_MS;
  const authority = await createAuthority({ name: "test", now: longAgo });
  const root = new X509Certificate(authority.certificate);

  const node = new X509Certificate((await joinedNode(authority)).certificate);

  assert.equal(node.validFromDate.getTime(), Math.floor((now - HOUR_MS) / 1000) * 1000);
  assert.equal(node.validToDate.getTime(), root.validToDate.getTime());
  assert.equal(root.ca, true);
  assert.equal(node.ca, false);
});

test("serial numbers are random, positive and long", async () => {
  const authority = await createAuthority({ name: "test", now });

  const numbers = await Promise.all(
    Array.from(
      { length: 8 },
      async () => new X509Certificate((await linkCertificate(authority)).certificate).serialNumber,
    ),
  );

  assert.equal(new Set(numbers).size, numbers.length);
  for (const number of numbers) assert.match(number, /^[4-7][0-9A-F]{31}$/);
});

test("only the key of a certificate request is taken, and only from its holder", async () => {
  const authority = await createAuthority({ name: "test", now });
  const { request } = await createCertificateRequest();
  const tampered = Buffer.from(request.replaceAll(/-----.*-----|\s/g, ""), "base64");
  tampered[tampered.length - 1] = (tampered.at(-1) ?? 0) ^ 1;

  const issue = (text: string) =>
    issueNodeCertificate(authority, { installationId: "here", nodeId: "node-1", request: text, now });

  assert.match(new X509Certificate(await issue(request)).subject, /^CN=node-1$/);
  await assert.rejects(issue(tampered.toString("base64")), ProtocolError);
  await assert.rejects(issue("nonsense"), ProtocolError);
  await assert.rejects(issue(authority.certificate), ProtocolError);
});

test("an id that could be read as another is not put into a certificate", async () => {
  const authority = await createAuthority({ name: "test", now });
  const { request } = await createCertificateRequest();

  const issued = issueNodeCertificate(authority, { installationId: "here", nodeId: "a:b", request, now });

  await assert.rejects(issued, /cannot carry/);
});

interface Identity {
  readonly certificate: string;
  readonly privateKey: string;
}

async function joinedNode(authority: Authority): Promise<Identity> {
  const { request, privateKey } = await createCertificateRequest();
  const options = { installationId: "here", nodeId: "node-1", request, now };
  return { certificate: await issueNodeCertificate(authority, options), privateKey };
}

async function linkCertificate(authority: Authority): Promise<Identity> {
  return await issueServerCertificate(authority, { hosts: ["127.0.0.1"], now });
}

/** One mutual TLS handshake over a real socket. Rejects when the client refuses the server. */
async function meet(parts: { server: Identity; client: Identity; authority: Authority }) {
  const server = createServer({
    ...credentials(parts.server),
    ca: parts.authority.certificate,
    requestCert: true,
    rejectUnauthorized: false,
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const accepted = once(server, "secureConnection") as Promise<[TLSSocket]>;
    const port = (server.address() as AddressInfo).port;
    const client = connect({
      host: "127.0.0.1",
      port,
      ca: parts.authority.certificate,
      ...credentials(parts.client),
    });
    try {
      await once(client, "secureConnect");
      const [socket] = await accepted;
      socket.on("error", () => {}); // The client leaves without ceremony.
      return {
        serverAuthorized: socket.authorized,
        clientIdentity: nodeIdentity(socket.getPeerCertificate()),
      };
    } finally {
      client.destroy();
    }
  } finally {
    server.close();
  }
}

function credentials({ certificate, privateKey }: Identity): SecureContextOptions {
  return { cert: certificate, key: privateKey };
}
