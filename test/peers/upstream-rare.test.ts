import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Upstream } from "#wire/grant.ts";
import { startBetween } from "../harness/between.ts";
import { openThrough } from "../harness/open-through.ts";
import { startRa2Server } from "../harness/ra2-server.ts";
import { scratch } from "../harness/scratch.ts";
import { startTestNode, type TestNode } from "../harness/test-node.ts";
import { startUnixFront } from "../harness/unix-front.ts";
import { lackingHaproxy } from "./haproxy.ts";
import { createPki, type Pki, SERVER_NAME, writePki } from "./pki.ts";
import { lackingQemu, startQemu } from "./qemu.ts";
import { lackingSasl, SASL_ACCOUNT, saslFolder } from "./sasl.ts";
import { lackingTightVnc, startTightVnc } from "./tightvnc.ts";
import { startTlsFront } from "./tls-front.ts";
import { lackingWebsockify, startWebsockify } from "./websockify.ts";

const PASSWORD = "s3cret!";
const INSECURE = { mode: "insecure" } as const;

type Server = "Tight" | "X509SASL by SCRAM" | "X509SASL by PLAIN" | "RA2" | "RA2-256";
type Within = Omit<Upstream, "address">;

/** What each is opened with. */
const WITH: Readonly<Record<Server, Within>> = {
  Tight: { password: PASSWORD },
  "X509SASL by SCRAM": SASL_ACCOUNT,
  "X509SASL by PLAIN": SASL_ACCOUNT,
  // A key that nobody knows beforehand does only where the operator says so, and within TLS.
  RA2: { password: PASSWORD, tls: INSECURE },
  "RA2-256": { password: PASSWORD, tls: INSECURE },
};

describe("SASL, Tight and RA2 over every transport", {
  skip: lackingTightVnc || lackingQemu || lackingSasl || lackingWebsockify || lackingHaproxy,
}, () => {
  const opened = new AsyncDisposableStack();
  const addresses = new Map<string, Upstream["address"]>();
  let node: TestNode;
  let verified: NonNullable<Within["tls"]>;

  before(async () => {
    const pki = await createPki();
    verified = { mode: "verify", ca: pki.authority.pem, serverName: SERVER_NAME };
    node = opened.use(await startTestNode());
    const servers = await startServers(opened, pki);
    const plain = opened.use(await startWebsockify(servers));
    const secure = opened.use(await startWebsockify(servers, pki.server));
    for (const [name, server] of Object.entries(servers)) {
      const { host, port } = opened.use(await startTlsFront(server, { certificate: pki.server }));
      const { path } = opened.use(await startUnixFront(server));
      const byWebSocket = ({ host, port, pathOf }: typeof plain, isSecure: boolean) =>
        ({ kind: "websocket", host, port, path: pathOf(name), isSecure }) as const;
      addresses.set(`${name} a UNIX socket`, { kind: "unix", path });
      addresses.set(`${name} a WebSocket`, byWebSocket(plain, false));
      addresses.set(`${name} a WebSocket by TLS`, byWebSocket(secure, true));
      addresses.set(`${name} TLS from the first byte on`, { kind: "tls", host, port });
    }
  });
  after(async () => await opened.disposeAsync());

  const open = async (server: Server, transport: string, changed: Within = {}) => {
    const address = addresses.get(`${server} ${transport}`);
    assert.ok(address !== undefined);
    const tls = transport.includes("TLS") || server.startsWith("X509") ? { tls: verified } : {};
    return await openThrough(node, { address, ...WITH[server], ...tls, ...changed });
  };

  for (const transport of [
    "a UNIX socket",
    "a WebSocket",
    "a WebSocket by TLS",
    "TLS from the first byte on",
  ]) {
    for (const server of Object.keys(WITH) as Server[])
      test(`${server} is opened over ${transport}`, async () =>
        assert.equal(await open(server, transport), "open"));

    for (const server of ["Tight", "X509SASL by SCRAM", "RA2-256"] as const)
      test(`another password is not let in by ${server} over ${transport}, and the reason is named`, async () =>
        assert.equal(await open(server, transport, { password: "guess" }), "upstream_authentication_failed"));
  }
});

async function startServers(opened: AsyncDisposableStack, pki: Pki) {
  const folder = opened.use(scratch());
  const good = writePki(join(folder.path, "good"), pki.authority, pki.server);
  const sasl = async (mechanism: string) => {
    const accounts = await saslFolder(join(folder.path, mechanism), [mechanism]);
    const screens = { x509: { tls: "good", sasl: true } };
    const credentials = { good: { folder: good } };
    const qemu = opened.use(await startQemu(screens, { credentials, saslFolder: accounts }));
    return { host: qemu.host, port: qemu.ports.x509 };
  };
  const ra2 = async (type: number, bits: 128 | 256) => {
    const server = opened.use(await startRa2Server({ types: [type], bits, password: PASSWORD }));
    const { address } = server.upstream;
    assert.ok(address.kind === "tcp");
    return address;
  };
  const tight = opened.use(await startTightVnc(PASSWORD));
  // Of Tight alone it is what it would be without VNC authentication beside it.
  const tightAlone = opened.use(
    await startBetween(tight, (chunk) => (chunk.equals(Buffer.of(2, 2, 16)) ? Buffer.of(1, 16) : chunk)),
  );
  return {
    Tight: tightAlone.address,
    "X509SASL by SCRAM": await sasl("scram-sha-256"),
    "X509SASL by PLAIN": await sasl("plain"),
    RA2: await ra2(5, 128),
    "RA2-256": await ra2(129, 256),
  } satisfies Record<Server, { readonly host: string; readonly port: number }>;
}
