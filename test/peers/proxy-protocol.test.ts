import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { refusal, TestViewer } from "../harness/test-viewer.ts";
import { openInstallation } from "../harness/tls-installation.ts";
import { accepts } from "./front-proxies.ts";

const NODE = "127.0.0.2";
const VIEWER = "127.0.0.9";

/** Passes connections through as they are, and says before each whose it is. */
function passingThrough(port: number, header: string): string {
  return `
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen consoles
  bind ${LOOPBACK}:${port}
  server node ${NODE}:${port} ${header}
`;
}

for (const header of ["send-proxy", "send-proxy-v2"])
  test(`a haproxy that passes TLS through with ${header} tells where viewers are`, {
    skip: lacking("haproxy"),
  }, async () => {
    await onFreePort(async (port) => {
      const trust = ["--trusted-proxies", LOOPBACK, "--proxy-protocol"];
      const found = ["--public-tls-url", `https://${LOOPBACK}:${port}`];
      await using at = await openInstallation({ args: ["--listen", `${NODE}:${port}`, ...found, ...trust] });
      await at.enable();
      const file = join(at.folder, "haproxy.cfg");
      writeFileSync(file, passingThrough(port, header));
      await using haproxy = await startProcess("haproxy", ["-db", "-f", file]);
      await eventually(async () => assert.ok(await accepts(port), haproxy.stderr.text));
      const open = async () => await at.control.api.openConsole(at.machineId, { callerAddress: VIEWER });
      const urlOf = (token: string) => `wss://${LOOPBACK}:${port}/websockify?token=${token}`;

      const { websocket } = await open();
      await using viewer = await TestViewer.connect(urlOf(websocket.token), {
        protocols: ["binary"],
        ca: at.ca,
        localAddress: VIEWER,
      });
      await viewer.handshake();
      const refused = await refusal(urlOf((await open()).websocket.token), { ca: at.ca });
      assert.match(refused.body, /caller_address_mismatch/);
    });
  });
