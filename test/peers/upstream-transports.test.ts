import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { ErrorCode } from "#wire/errors.ts";
import type { Upstream } from "#wire/grant.ts";
import { openThrough } from "../harness/open-through.ts";
import { scratch } from "../harness/scratch.ts";
import type { TestCertificate } from "../harness/test-certificates.ts";
import { startTestNode, type TestNode } from "../harness/test-node.ts";
import { lackingHaproxy } from "./haproxy.ts";
import { createPki, type Pki, SERVER_NAME, writePki } from "./pki.ts";
import { lackingQemu, type Qemu, startQemu } from "./qemu.ts";
import { lackingTigerVnc, startTigerVnc, type TigerVnc } from "./tigervnc.ts";
import { startTlsFront, type TlsFront } from "./tls-front.ts";
import { lackingWebsockify, startWebsockify, type Websockify } from "./websockify.ts";

const PASSWORD = "s3cret!";
const ACCOUNT = { name: "viewer", password: "geheim" };
const INSECURE = { mode: "insecure" } as const;
const isRoot = process.getuid?.() === 0;

let node: TestNode;
let pki: Pki;
before(async () => {
  [pki, node] = await Promise.all([createPki(), startTestNode()]);
});
after(async () => await node[Symbol.asyncDispose]());

const open = async (upstream: Upstream) => await openThrough(node, upstream);
const verify = () => ({ mode: "verify" as const, ca: pki.authority.pem, serverName: SERVER_NAME });
const client = ({ pem, keyPem }: TestCertificate) => ({ certificate: pem, key: keyPem });
const pinned = ({ certificate }: TestCertificate) => ({
  mode: "pin" as const,
  pin: `sha256:${hash("sha256", Buffer.from(certificate.rawData), "hex")}`,
});

describe("QEMU's own WebSocket", { skip: lackingQemu }, () => {
  let qemu: Qemu<"open" | "locked" | "x509" | "x509Vnc" | "mutual" | "expired">;
  const folder = scratch();
  before(async () => {
    const good = writePki(join(folder.path, "good"), pki.authority, pki.server);
    const expired = writePki(join(folder.path, "expired"), pki.authority, pki.expired);
    qemu = await startQemu(
      {
        open: { webSocket: true },
        locked: { webSocket: true, password: PASSWORD },
        x509: { webSocket: true, tls: "good" },
        x509Vnc: { webSocket: true, tls: "good", password: PASSWORD },
        mutual: { webSocket: true, tls: "mutual" },
        expired: { webSocket: true, tls: "expired" },
      },
      {
        credentials: {
          good: { folder: good },
          mutual: { folder: good, asksForCertificate: true },
          expired: { folder: expired, expired: true },
        },
      },
    );
  });
  after(async () => {
    await qemu[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const at = (screen: keyof typeof qemu.ports, isSecure = false) => ({
    address: {
      kind: "websocket" as const,
      host: qemu.host,
      port: qemu.webSocketPorts[screen] ?? 0,
      path: "/",
      isSecure,
    },
  });

  const OPENED: Readonly<Record<string, () => Upstream>> = {
    "without TLS": () => at("open"),
    "without TLS, with a password": () => ({ ...at("locked"), password: PASSWORD }),
    "by TLS, verified": () => ({ ...at("x509", true), tls: verify() }),
    "by TLS, pinned": () => ({ ...at("x509", true), tls: pinned(pki.server) }),
    "by TLS, verified, with a password": () => ({
      ...at("x509Vnc", true),
      tls: verify(),
      password: PASSWORD,
    }),
    "by TLS, with a client certificate": () => ({
      ...at("mutual", true),
      tls: { ...verify(), client: client(pki.client) },
    }),
  };
  for (const [title, upstream] of Object.entries(OPENED))
    test(`is opened ${title}`, async () => assert.equal(await open(upstream()), "open"));

  const REFUSED: Readonly<Record<string, readonly [() => Upstream, ErrorCode]>> = {
    "another password": [() => ({ ...at("locked"), password: "guess" }), "upstream_authentication_failed"],
    "no question for the password": [
      () => ({ ...at("open"), password: PASSWORD }),
      "upstream_password_not_asked",
    ],
    "TLS demanded within, and not offered": [
      () => ({ ...at("open"), tls: INSECURE }),
      "upstream_tls_not_offered",
    ],
    "TLS, and nothing on record of it": [() => at("x509", true), "upstream_tls_needed"],
    "a certificate that has expired": [
      () => ({ ...at("expired", true), tls: verify() }),
      "upstream_certificate_expired",
    ],
    "a certificate for another name": [
      () => ({ ...at("x509", true), tls: { ...verify(), serverName: "other.example" } }),
      "upstream_certificate_name",
    ],
    "a question for a client certificate": [
      () => ({ ...at("mutual", true), tls: verify() }),
      "upstream_client_certificate",
    ],
    "TLS spoken to without": [() => at("x509"), "upstream_websocket_refused"],
  };
  for (const [title, [upstream, code]] of Object.entries(REFUSED))
    test(`is not opened, and the reason is named, with ${title}`, async () =>
      assert.equal(await open(upstream()), code));

  test("is told from a console that speaks RFB at once", async () => {
    const plain = { kind: "websocket" as const, host: qemu.host, path: "/", isSecure: false };

    assert.equal(await open({ address: { ...plain, port: qemu.ports.open } }), "upstream_websocket_refused");
  });

  test("is taken a picture of as well", async () => {
    const { ticket } = await node.control.issue({ upstream: at("open"), claims: { purpose: "thumbnail" } });

    const answer = await fetch(`${node.origin}/ajaximg?token=${ticket}`);

    assert.equal(answer.status, 200, await answer.text());
  });
});

describe("every security within every transport", {
  skip:
    lackingTigerVnc ||
    lackingWebsockify ||
    lackingHaproxy ||
    (!isRoot && "it takes root to give TigerVNC a PAM of its own"),
}, () => {
  const TYPES = ["None", "VncAuth", "TLSNone", "TLSVnc", "TLSPlain", "X509None", "X509Vnc", "X509Plain"];
  const servers = new Map<string, TigerVnc>();
  const fronts = new Map<string, TlsFront>();
  const opened = new AsyncDisposableStack();
  let plain: Websockify;
  let secure: Websockify;
  let mutual: TlsFront;
  before(async () => {
    const everything = { password: PASSWORD, account: ACCOUNT, certificate: pki.server };
    for (const type of TYPES) {
      const server = opened.use(await startTigerVnc({ ...everything, securityTypes: [type] }));
      servers.set(type, server);
      fronts.set(type, opened.use(await startTlsFront(server, { certificate: pki.server })));
    }
    const [none] = servers.values();
    assert.ok(none !== undefined);
    const asking = { certificate: pki.server, clientAuthority: pki.authority };
    mutual = opened.use(await startTlsFront(none, asking));
    plain = opened.use(await startWebsockify(Object.fromEntries(servers)));
    secure = opened.use(await startWebsockify(Object.fromEntries(servers), pki.server));
  });
  after(async () => await opened.disposeAsync());

  const TRANSPORTS: Readonly<Record<string, (type: string) => Upstream["address"]>> = {
    "a WebSocket of websockify's": (type) => ({
      ...{ kind: "websocket", host: plain.host, port: plain.port },
      ...{ path: plain.pathOf(type), isSecure: false },
    }),
    "a WebSocket of websockify's, by TLS": (type) => ({
      ...{ kind: "websocket", host: secure.host, port: secure.port },
      ...{ path: secure.pathOf(type), isSecure: true },
    }),
    "TLS from the first byte on, of haproxy's": (type) => ({
      kind: "tls",
      host: fronts.get(type)?.host ?? "",
      port: fronts.get(type)?.port ?? 0,
    }),
    "a UNIX socket": (type) => ({ kind: "unix", path: servers.get(type)?.path ?? "" }),
  };
  const credentials = (type: string) => {
    if (type === "VncAuth" || type.endsWith("Vnc")) return { password: PASSWORD };
    return type.endsWith("Plain") ? { username: ACCOUNT.name, password: ACCOUNT.password } : {};
  };

  for (const [transport, addressOf] of Object.entries(TRANSPORTS)) {
    const isWithinTls = transport.includes("TLS");
    for (const type of TYPES) {
      test(`${type} is opened over ${transport}`, async () => {
        const within = type.startsWith("TLS")
          ? { tls: INSECURE }
          : type.startsWith("X509")
            ? { tls: verify() }
            : {};
        const tls = isWithinTls ? { tls: verify() } : within;

        assert.equal(await open({ address: addressOf(type), ...credentials(type), ...tls }), "open");
      });
    }

    test(`another password is not let in over ${transport}, and the reason is named`, async () => {
      const tls = isWithinTls ? { tls: verify() } : {};

      const code = await open({ address: addressOf("VncAuth"), password: "guess", ...tls });

      assert.equal(code, "upstream_authentication_failed");
    });
  }

  test("TLS from the first byte on is judged as any", async () => {
    const address = TRANSPORTS["TLS from the first byte on, of haproxy's"]?.("None");
    assert.ok(address !== undefined);

    assert.equal(await open({ address, tls: pinned(pki.server) }), "open");
    assert.equal(await open({ address, tls: pinned(pki.expired) }), "upstream_certificate_changed");
    assert.equal(
      await open({ address, tls: { ...verify(), ca: pki.stranger.pem } }),
      "upstream_certificate_unknown",
    );
    assert.equal(
      await open({ address, tls: { ...verify(), serverName: "x.example" } }),
      "upstream_certificate_name",
    );
    assert.equal(await open({ address }), "upstream_tls_needed");
  });

  test("TLS from the first byte on has client certificates", async () => {
    const address = { kind: "tls" as const, host: mutual.host, port: mutual.port };
    const shown = { ...verify(), client: client(pki.client) };

    assert.equal(await open({ address, tls: shown }), "open");
    assert.equal(await open({ address, tls: verify() }), "upstream_client_certificate");
  });

  test("a path at which there is nothing is told", async () => {
    const { host, port } = plain;
    const address = { kind: "websocket" as const, host, port, path: plain.pathOf("nobody"), isSecure: false };

    assert.equal(await open({ address }), "upstream_websocket_refused");
  });
});
