import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { connect } from "node:tls";
import { eventually } from "../harness/eventually.ts";
import { startProcess } from "../harness/process.ts";
import { idOf } from "../harness/serving-certificate.ts";
import { testCertificate } from "../harness/test-certificates.ts";
import { refusal, TestViewer } from "../harness/test-viewer.ts";
import { changeUnder, openInstallation, PAGE, type TlsInstallation } from "../harness/tls-installation.ts";

test("sslEnabled works at once, on ports of its own, under a certificate of the installation's CA", async () => {
  await using at = await openInstallation({
    args: [
      ...["--websocket-listen", "127.0.0.1:0"],
      ...["--tls-listen", "127.0.0.1:0", "--tls-websocket-listen", "127.0.0.1:0"],
    ],
  });
  await at.enable();

  const { url, websocket } = await at.control.api.openConsole(at.machineId);
  const page = await at.get(url);
  await using viewer = await at.view({ websocket });

  assert.match(url, new RegExp(`^https://127\\.0\\.0\\.1:\\d+/p/.*\\?port=${websocket.port}#`));
  assert.equal(page.response.statusCode, 200);
  assert.equal(page.response.headers["strict-transport-security"], undefined);
  await at.speaks(viewer, "by TLS");
  const redirect = await plainly(`${at.node.node}${PAGE}`);
  assert.equal(redirect.statusCode, 308);
  assert.equal(redirect.headers.location, `${new URL(url).origin}${PAGE}`);
  const refused = await refusal(
    `${at.node.websocket.replace("http", "ws")}/websockify?token=${websocket.token}`,
  );
  assert.match(refused.body, /tls_required/);
});

test("sslEnabled is switched on and off while consoles are open, and none of them closes", async () => {
  await using at = await openInstallation();
  const viewers: TestViewer[] = [];
  const open = async (scheme: string) => {
    const console = await at.control.api.openConsole(at.machineId);
    assert.equal(new URL(console.url).protocol, `${scheme}:`);
    viewers.push(at.use(await at.view(console)));
  };

  for (let round = 0; round < 2; round++) {
    await open("http");
    await at.enable();
    await open("https");
    await at.disable();
    await open("http");
  }

  for (const [index, viewer] of viewers.entries()) await at.speaks(viewer, `round ${index}`, index);
});

test("with 50 consoles open certificates change several times: none closes, and who comes then sees the new one", async () => {
  await using at = await openInstallation({ args: ["--max-sessions", "200"] });
  await changeUnder(at, { sessions: 50, changes: 4 });
});

test("a certificate that an operator uploads is served under open consoles, and the default one again when it is taken away", async () => {
  await using at = await openInstallation();
  await at.enable();
  await using viewer = await at.view(await at.control.api.openConsole(at.machineId));
  const served = async () => (await at.nodes())[0]?.certificate?.id;
  const byDefault = await served();
  const { pem, keyPem } = await testCertificate({ names: ["127.0.0.1"] });

  const { id } = await at.control.api.call<{ id: string }>("POST", "certificates", {
    certificate: pem,
    privateKey: keyPem,
  });
  await eventually(async () => assert.equal(await served(), idOf(pem)));
  const { authorized, shown } = await shownTo(at, pem);
  const { response } = await at.get(`${at.node.node.replace("http:", "https:")}${PAGE}`, pem);
  const hsts = String(response.headers["strict-transport-security"]);
  await at.control.api.call("DELETE", `certificates/${id}`);
  await eventually(async () => assert.ok(![idOf(pem), undefined].includes(await served())));

  assert.match(hsts, /^max-age=/);
  assert.deepEqual({ authorized, shown }, { authorized: true, shown: idOf(pem) });
  assert.equal((await at.get(`${at.node.node.replace("http:", "https:")}${PAGE}`)).shown, await served());
  assert.notEqual(byDefault, idOf(pem));
  await at.speaks(viewer, "still here");
});

test("after a change of domain a page of before reopens its console, and links lead to the new name", async () => {
  await using at = await openInstallation();
  await at.enable();
  const named = async (domain: string) => {
    await at.set("consoleproxy.url.domain", `*.${domain}`);
    const host = `127-0-0-1.${domain}`;
    return await eventually(async () => {
      const console = await at.control.api.openConsole(at.machineId);
      assert.equal(new URL(console.url).hostname, host);
      return { host, console };
    });
  };
  const view = async (host: string, ticket: string) => {
    const { port } = new URL(at.node.node);
    const headers = { host: `${host}:${port}`, origin: `https://${host}:${port}` };
    const viewer = await TestViewer.connect(`wss://127.0.0.1:${port}/websockify?token=${ticket}`, {
      ...{ protocols: ["binary"], ca: at.ca, servername: host, headers },
    });
    await viewer.handshake();
    return at.use(viewer);
  };

  const old = await named("old.example");
  await at.speaks(await view(old.host, old.console.websocket.token), "before", 0);
  const young = await named("new.example");

  const { token } = young.console.websocket;
  await at.speaks(await view(young.host, token), "by the new name", 1);
  const again = await at.control.api.openConsole(at.machineId);
  await at.speaks(await view(old.host, again.websocket.token), "by the old name", 2);
  await assert.rejects(view("127-0-0-1.other.example", "x"), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
});

test("openssl finds TLS 1.2 and 1.3, good ciphers, and nothing older", async () => {
  await using at = await openInstallation();
  await at.enable();
  const meet = async (...args: readonly string[]) => await sClient(at, args);

  for (const version of ["-tls1_2", "-tls1_3"]) {
    const said = await meet(version, "-alpn", "h2,http/1.1");
    assert.match(said, /Verify return code: 0 \(ok\)/, version);
    assert.match(said, /ALPN protocol: http\/1\.1/, version);
    assert.match(said, /Cipher (is|:) .*(GCM|CHACHA20)/, version);
  }
  for (const version of ["-tls1", "-tls1_1"])
    assert.match(
      await meet(version, "-cipher", "DEFAULT@SECLEVEL=0"),
      /no peer certificate available/,
      version,
    );
  for (const cipher of [
    "ECDHE-ECDSA-AES128-SHA256",
    "ECDHE-ECDSA-AES256-SHA",
    "AES128-SHA",
    "NULL@SECLEVEL=0",
  ])
    assert.match(await meet("-tls1_2", "-cipher", cipher), /no peer certificate available/, cipher);
});

test("nodes that share a port, as workers, serve TLS on it and hand on to each other", async () => {
  await using at = await openInstallation({ args: ["--workers", "2"], nodes: 2 });
  await at.enable();

  for (let count = 0; count < 12; count++) {
    const console = await at.control.api.openConsole(at.machineId);
    await using viewer = await at.view(console);
    await at.speaks(viewer, `console ${count}`, count);
  }
});

async function plainly(url: string): Promise<IncomingMessage> {
  const asked = request(url, { agent: false }).end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  await text(response);
  return response;
}

/** What openssl says of a handshake with the node, whether it comes about or not. */
async function sClient({ node, ca, folder }: TlsInstallation, args: readonly string[]): Promise<string> {
  const file = join(folder, "ca.pem");
  writeFileSync(file, ca);
  const { host } = new URL(node.node);
  const child = await startProcess("openssl", [
    ...["s_client", "-connect", host, "-CAfile", file, "-verify_ip", "127.0.0.1", ...args],
  ]);
  child.stdin.end();
  await child.exited;
  return child.stdout.text + child.stderr.text;
}

/** What a client sees that trusts nothing but this. */
async function shownTo(at: TlsInstallation, ca: string) {
  const { hostname: host, port } = new URL(at.node.node);
  const socket = connect({ host, port: Number(port), ca });
  await once(socket, "secureConnect");
  const { authorized } = socket;
  const shown = idOf(socket.getPeerX509Certificate()?.toString() ?? "");
  socket.destroy();
  return { authorized, shown };
}
