import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { get } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { refusal, TestViewer } from "../harness/test-viewer.ts";
import { openInstallation, type TlsInstallation } from "../harness/tls-installation.ts";
import { accepts, certificateIn, recipe, replaced, surroundedForNginx } from "./front-proxies.ts";

/** The same ports as the proxy's. */
const NODE = "127.0.0.2";

interface Ports {
  readonly pages: number;
  readonly sockets: number;
}

/** A node that serves TLS on two ports, and is found at the proxy's. */
async function startNode({ pages, sockets }: Ports): Promise<TlsInstallation> {
  const tls = ["--tls-listen", `${NODE}:${pages}`, "--tls-websocket-listen", `${NODE}:${sockets}`];
  const found = [
    ...["--public-tls-url", `https://${LOOPBACK}:${pages}`],
    ...["--public-tls-websocket-url", `https://${LOOPBACK}:${sockets}`],
  ];
  const args = ["--listen", `${NODE}:0`, ...tls, ...found, "--trusted-proxies", LOOPBACK];
  return await openInstallation({ args });
}

/** Debian's nginx with the documentation's two blocks; resolves to the CA of its certificate. */
async function startNginx(
  at: TlsInstallation,
  { pages, sockets }: Ports,
  change = (site: string) => site,
): Promise<{ readonly ca: string } & AsyncDisposable> {
  const { ca, certificate, key } = await certificateIn(at.folder);
  const site = replaced(recipe("nginx-two-ports"), [
    ["listen 8443", `listen ${LOOPBACK}:${sockets}`],
    ["listen 443", `listen ${LOOPBACK}:${pages}`],
    ["10.0.0.11:8443", `${NODE}:${sockets}`],
    ["10.0.0.11:443", `${NODE}:${pages}`],
    ["console.example.com", LOOPBACK],
    ["/etc/nginx/console.pem", certificate],
    ["/etc/nginx/console.key", key],
  ]);
  const file = join(at.folder, "nginx.conf");
  writeFileSync(file, surroundedForNginx(at.folder, change(site)));
  const child = await startProcess("nginx", ["-p", at.folder, "-c", file, "-e", "stderr"]);
  await eventually(async () => assert.ok(await accepts(sockets), child.stderr.text));
  return { ca, [Symbol.asyncDispose]: async () => void (await child.stop("SIGKILL")) };
}

test("pages on one port and the WebSocket on another, as CloudStack's operators have it", {
  skip: lacking("nginx-light"),
}, async () => {
  await onFreePort(async (pages) => {
    await onFreePort(async (sockets) => {
      await using at = await startNode({ pages, sockets });
      await at.enable();
      await using nginx = await startNginx(at, { pages, sockets });
      const { url, websocket } = await at.control.api.openConsole(at.machineId);
      const bound = await at.control.api.openConsole(at.machineId, { callerAddress: "127.0.0.9" });
      const webSocketUrl = (token: string) => `wss://${LOOPBACK}:${sockets}/websockify?token=${token}`;

      const [page] = (await once(get(url.replace(/#.*/, ""), { ca: nginx.ca }), "response")) as [
        IncomingMessage,
      ];
      assert.equal(page.statusCode, 200);
      assert.match(await text(page), /<title>/);
      assert.match(url, new RegExp(`^https://${LOOPBACK}:${pages}/p/.*\\?port=${sockets}#`));
      assert.deepEqual([websocket.host, websocket.port, websocket.path], [LOOPBACK, sockets, "websockify"]);
      const options = { protocols: ["binary"], ca: nginx.ca };
      await using viewer = await TestViewer.connect(webSocketUrl(websocket.token), options);
      await viewer.handshake();
      const there = { ...options, localAddress: "127.0.0.9" };
      await using its = await TestViewer.connect(webSocketUrl(bound.websocket.token), there);
      await its.handshake();
    });
  });
});

test("with the file that operators have already consoles open, and a bound link is refused with the header's name", {
  skip: lacking("nginx-light"),
}, async () => {
  await onFreePort(async (pages) => {
    await onFreePort(async (sockets) => {
      await using at = await startNode({ pages, sockets });
      await at.enable();
      // It says nothing of viewers on the port of the WebSocket, and has words about TLS that are older than ours.
      const change = (site: string) =>
        site
          .replace(/^.*X-Forwarded-For.*$/m, "")
          .replaceAll(
            /server_name .*;/g,
            "$& ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers HIGH:!aNULL:!MD5; ssl_verify_client off;",
          );
      await using nginx = await startNginx(at, { pages, sockets }, change);
      const anybodys = await at.control.api.openConsole(at.machineId);
      const [page] = (await once(get(anybodys.url.replace(/#.*/, ""), { ca: nginx.ca }), "response")) as [
        IncomingMessage,
      ];
      assert.equal(page.statusCode, 200);
      assert.match(await text(page), /<title>/);
      await using viewer = await TestViewer.connect(
        `wss://${LOOPBACK}:${sockets}/websockify?token=${anybodys.websocket.token}`,
        { protocols: ["binary"], ca: nginx.ca },
      );
      await viewer.handshake();
      const { websocket } = await at.control.api.openConsole(at.machineId, { callerAddress: "127.0.0.9" });

      const told = await refusal(`wss://${LOOPBACK}:${sockets}/websockify?token=${websocket.token}`, {
        ca: nginx.ca,
      });

      assert.match(told.body, /caller_address_mismatch/);
      assert.match(told.body, /sent no X-Forwarded-For header/);
    });
  });
});
