import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { ErrorCode } from "#wire/errors.ts";
import type { Upstream } from "#wire/grant.ts";
import { startBetween } from "../harness/between.ts";
import { eventually } from "../harness/eventually.ts";
import { openThrough } from "../harness/open-through.ts";
import { scratch } from "../harness/scratch.ts";
import type { TestCertificate } from "../harness/test-certificates.ts";
import { startTestNode, type TestNode } from "../harness/test-node.ts";
import { TestViewer } from "../harness/test-viewer.ts";
import { createPki, type Pki, SERVER_NAME, writePki } from "./pki.ts";
import { lackingQemu, type Qemu, startQemu } from "./qemu.ts";
import { lackingPam, lackingTigerVnc, startTigerVnc, type TigerVnc } from "./tigervnc.ts";

const PASSWORD = "s3cret!";
const INSECURE = { mode: "insecure" } as const;

let node: TestNode;
before(async () => {
  node = await startTestNode();
});
after(async () => await node[Symbol.asyncDispose]());

const open = async (upstream: Upstream) => await openThrough(node, upstream);

describe("QEMU's VNC server", { skip: lackingQemu }, () => {
  let pki: Pki;
  let qemu: Qemu<
    "open" | "locked" | "x509" | "x509Vnc" | "anonymous" | "anonymousVnc" | "mutual" | "expired"
  >;
  const folder = scratch();
  before(async () => {
    pki = await createPki();
    const good = writePki(join(folder.path, "good"), pki.authority, pki.server);
    const expired = writePki(join(folder.path, "expired"), pki.authority, pki.expired);
    qemu = await startQemu(
      {
        open: {},
        locked: { password: PASSWORD },
        x509: { tls: "good" },
        x509Vnc: { tls: "good", password: PASSWORD },
        anonymous: { tls: "anonymous" },
        anonymousVnc: { tls: "anonymous", password: PASSWORD },
        mutual: { tls: "mutual" },
        expired: { tls: "expired" },
      },
      {
        credentials: {
          good: { folder: good },
          mutual: { folder: good, asksForCertificate: true },
          expired: { folder: expired, expired: true },
          anonymous: "anonymous",
        },
      },
    );
  });
  after(async () => {
    await qemu[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const at = (screen: keyof typeof qemu.ports) => ({
    address: { kind: "tcp" as const, host: qemu.host, port: qemu.ports[screen] },
  });
  const verify = () => ({ mode: "verify" as const, ca: pki.authority.pem, serverName: SERVER_NAME });
  const pinned = (algorithm: "sha1" | "sha256", certificate = pki.server) => ({
    mode: "pin" as const,
    pin: `${algorithm}:${hash(algorithm, Buffer.from(certificate.certificate.rawData), "hex")}`,
  });
  const client = ({ pem, keyPem }: TestCertificate) => ({ certificate: pem, key: keyPem });

  const OPENED: Readonly<Record<string, () => Upstream>> = {
    None: () => at("open"),
    "VNC authentication": () => ({ ...at("locked"), password: PASSWORD }),
    "X509None, verified by the authority and the name": () => ({ ...at("x509"), tls: verify() }),
    "X509None, by the certificate's SHA-256 thumbprint": () => ({ ...at("x509"), tls: pinned("sha256") }),
    "X509None, by its SHA-1 thumbprint": () => ({ ...at("x509"), tls: pinned("sha1") }),
    "X509None, pinned, although it has expired": () => ({
      ...at("expired"),
      tls: pinned("sha256", pki.expired),
    }),
    "X509None, with a client certificate": () => ({
      ...at("mutual"),
      tls: { ...verify(), client: client(pki.client) },
    }),
    "X509None, whatever its certificate": () => ({ ...at("expired"), tls: INSECURE }),
    "X509Vnc, verified": () => ({ ...at("x509Vnc"), tls: verify(), password: PASSWORD }),
    "TLSNone, where that is allowed": () => ({ ...at("anonymous"), tls: INSECURE }),
    "TLSVnc, where that is allowed": () => ({ ...at("anonymousVnc"), tls: INSECURE, password: PASSWORD }),
  };
  for (const [title, upstream] of Object.entries(OPENED)) {
    test(`is opened with ${title}`, async () => {
      assert.equal(await open(upstream()), "open");
    });
  }

  const REFUSED: Readonly<Record<string, readonly [() => Upstream, ErrorCode]>> = {
    "a certificate that has expired": [
      () => ({ ...at("expired"), tls: verify() }),
      "upstream_certificate_expired",
    ],
    "a certificate for another name": [
      () => ({ ...at("x509"), tls: { ...verify(), serverName: "kvm-8.example.com" } }),
      "upstream_certificate_name",
    ],
    "a certificate of an authority that is not trusted": [
      () => ({ ...at("x509"), tls: { ...verify(), ca: pki.stranger.pem } }),
      "upstream_certificate_unknown",
    ],
    "a certificate of an authority that the system does not know": [
      () => ({ ...at("x509"), tls: { mode: "verify", serverName: SERVER_NAME } }),
      "upstream_certificate_unknown",
    ],
    "another certificate than the one that is pinned": [
      () => ({ ...at("x509"), tls: pinned("sha256", pki.expired) }),
      "upstream_certificate_changed",
    ],
    "no TLS where it is demanded": [() => ({ ...at("open"), tls: INSECURE }), "upstream_tls_not_offered"],
    "a password without TLS where that is demanded": [
      () => ({ ...at("locked"), password: PASSWORD, tls: INSECURE }),
      "upstream_tls_not_offered",
    ],
    "TLS without a certificate where one is demanded": [
      () => ({ ...at("anonymousVnc"), password: PASSWORD, tls: verify() }),
      "upstream_tls_anonymous",
    ],
    "TLS where nothing is on record of it": [() => at("x509"), "upstream_tls_needed"],
    "another password within TLS": [
      () => ({ ...at("x509Vnc"), tls: verify(), password: "guess" }),
      "upstream_authentication_failed",
    ],
    "no question for the password within TLS": [
      () => ({ ...at("x509"), tls: verify(), password: PASSWORD }),
      "upstream_password_not_asked",
    ],
    "a question for a password that is not on record": [
      () => ({ ...at("x509Vnc"), tls: verify() }),
      "upstream_password_missing",
    ],
    "a question for a client certificate where there is none": [
      () => ({ ...at("mutual"), tls: verify() }),
      "upstream_client_certificate",
    ],
    "a client certificate of an authority that it does not trust": [
      () => ({ ...at("mutual"), tls: { ...verify(), client: client(pki.foreignClient) } }),
      "upstream_client_certificate",
    ],
  };
  for (const [title, [upstream, code]] of Object.entries(REFUSED)) {
    test(`is not opened, and the reason is named, with ${title}`, async () => {
      assert.equal(await open(upstream()), code);
    });
  }

  test("is not opened through somebody in between who takes the certificate out of the offer", async () => {
    await using between = await startBetween(at("x509Vnc").address, (chunk) =>
      // rfbproto, VeNCrypt: the list of subtypes. X509Vnc becomes TLSVnc.
      chunk.equals(Buffer.of(0, 1, 0, 0, 1, 5)) ? Buffer.of(0, 1, 0, 0, 1, 2) : chunk,
    );

    const code = await open({ address: between.address, tls: verify(), password: PASSWORD });

    assert.equal(code, "upstream_tls_anonymous");
    assert.deepEqual(between.changed, 1);
  });

  test("is not opened through somebody in between who takes VeNCrypt out of the offer", async () => {
    await using between = await startBetween(at("x509Vnc").address, (chunk) =>
      chunk.equals(Buffer.of(1, 19)) ? Buffer.of(1, 2) : chunk,
    );

    const code = await open({ address: between.address, tls: verify(), password: PASSWORD });

    assert.equal(code, "upstream_tls_not_offered");
    assert.deepEqual(between.changed, 1);
  });

  test("is not opened through somebody in between who puts words before TLS", async () => {
    await using between = await startBetween(at("x509").address, (chunk) =>
      chunk.equals(Buffer.of(1)) ? Buffer.of(1, 0, 0, 0, 0) : chunk,
    );

    const code = await open({ address: between.address, tls: verify() });

    assert.equal(code, "upstream_protocol_error");
  });

  test("is taken a picture of by TLS as well", async () => {
    const { ticket } = await node.control.issue({
      upstream: { ...at("x509"), tls: verify() },
      claims: { purpose: "thumbnail" },
    });

    const answer = await fetch(`${node.origin}/ajaximg?token=${ticket}`);

    assert.equal(answer.status, 200, await answer.text());
  });

  test("leaves no secret in the log, and nothing of it with the viewer", async () => {
    const tls = { ...verify(), client: client(pki.client) };
    const { ticket } = await node.control.issue({ upstream: { ...at("mutual"), tls } });
    await using viewer = await TestViewer.porthole(node.origin, ticket);
    await viewer.handshake();
    await eventually(() => assert.ok(viewer.texts.some(({ type }) => type === "attached")));

    const said = JSON.stringify(viewer.texts) + viewer.bytes.toString("latin1") + node.log();

    assert.ok(!said.includes("PRIVATE KEY") && !said.includes(PASSWORD) && !said.includes("BEGIN"));
  });
});

describe("TigerVNC's server", { skip: lackingTigerVnc || lackingPam }, () => {
  const ACCOUNT = { name: "viewer", password: "geheim" };
  let pki: Pki;
  const servers = new Map<string, TigerVnc>();
  const TYPES = ["TLSNone", "TLSVnc", "TLSPlain", "X509None", "X509Vnc", "X509Plain"];
  before(async () => {
    pki = await createPki();
    const everything = { password: PASSWORD, account: ACCOUNT, certificate: pki.server };
    for (const type of TYPES)
      servers.set(type, await startTigerVnc({ ...everything, securityTypes: [type] }));
    servers.set(
      "all",
      await startTigerVnc({ ...everything, securityTypes: ["None", "VncAuth", "Plain", ...TYPES] }),
    );
  });
  after(async () => {
    for (const server of servers.values()) await server[Symbol.asyncDispose]();
  });
  const at = (type: string) => {
    const server = servers.get(type);
    assert.ok(server !== undefined);
    return { address: { kind: "tcp" as const, host: server.host, port: server.port } };
  };
  const verify = () => ({ mode: "verify" as const, ca: pki.authority.pem, serverName: SERVER_NAME });
  const credentials = (type: string) => {
    if (type.endsWith("Vnc")) return { password: PASSWORD };
    return type.endsWith("Plain") ? { username: ACCOUNT.name, password: ACCOUNT.password } : {};
  };

  for (const type of TYPES) {
    const isVerified = type.startsWith("X509");
    test(`is opened with ${type}`, async () => {
      const upstream = { ...at(type), ...credentials(type), tls: isVerified ? verify() : INSECURE };

      assert.equal(await open(upstream), "open");
    });
  }

  for (const [chosen, upstream] of [
    ["X509None", () => ({ ...at("all"), tls: INSECURE })],
    ["X509Vnc", () => ({ ...at("all"), ...credentials("X509Vnc"), tls: INSECURE })],
    ["X509Plain", () => ({ ...at("all"), ...credentials("X509Plain"), tls: INSECURE })],
    ["VncAuth", () => ({ ...at("all"), password: PASSWORD })],
    ["None", () => at("all")],
  ] as const) {
    test(`that has everything is opened with the strongest that fits: ${chosen}`, async () => {
      assert.equal(await open(upstream()), "open");

      // "Client requests security type VeNCrypt(19)", "CVeNCrypt: … X509Vnc (261)"
      const log = servers.get("all")?.log() ?? "";
      assert.match(log.slice(log.lastIndexOf("Connections: accepted")), new RegExp(`${chosen} ?\\(`));
    });
  }

  test("does not let in an account with another password", async () => {
    const upstream = { ...at("X509Plain"), username: ACCOUNT.name, password: "guess", tls: verify() };

    assert.equal(await open(upstream), "upstream_authentication_failed");
  });
});
