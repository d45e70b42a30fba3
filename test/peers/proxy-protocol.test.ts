import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { startNode } from "../harness/porthole.ts";
import { startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { refusal, TestViewer } from "../harness/test-viewer.ts";
import { openInstallation } from "../harness/tls-installation.ts";
import { accepts, recipe, replaced } from "./front-proxies.ts";

const NODES = ["127.0.0.2", "127.0.0.3"] as const;
const VIEWER = "127.0.0.9";

for (const header of ["send-proxy", "send-proxy-v2"])
  test(`a haproxy that passes TLS through with ${header} tells where viewers are`, {
    skip: lacking("haproxy"),
  }, async () => {
    await onFreePort(async (port) => {
      const [first, second] = NODES.map((node) => `${node}:${port}`) as [string, string];
      const found = ["--public-tls-url", `https://${LOOPBACK}:${port}`, "--behind-proxy"];
      const args = [...found, "--trusted-proxies", LOOPBACK, "--proxy-protocol"];
      await using at = await openInstallation({ args: ["--listen", first, ...args], nodes: 2 });
      await using _second = await startNode(at.control, { args: ["--listen", second, ...args] });
      await at.enable();
      const file = join(at.folder, "haproxy.cfg");
      const configuration = replaced(recipe("haproxy-passthrough"), [
        ["bind :443", `bind ${LOOPBACK}:${port}`],
        ["10.0.0.11:443", first],
        ["10.0.0.12:443", second],
        ["send-proxy-v2", header],
      ]);
      writeFileSync(file, configuration);
      await using haproxy = await startProcess("haproxy", ["-db", "-f", file]);
      await eventually(async () => assert.ok(await accepts(port), haproxy.stderr.text));
      const open = async () => await at.control.api.openConsole(at.machineId, { callerAddress: VIEWER });
      const urlOf = (token: string) => `wss://${LOOPBACK}:${port}/websockify?token=${token}`;

      // One after the other, by either node.
      for (let time = 0; time < 4; time += 1) {
        const { websocket } = await open();
        await using viewer = await TestViewer.connect(urlOf(websocket.token), {
          protocols: ["binary"],
          ca: at.ca,
          localAddress: VIEWER,
        });
        await viewer.handshake();
      }
      const refused = await refusal(urlOf((await open()).websocket.token), { ca: at.ca });
      assert.match(refused.body, /caller_address_mismatch/);
    });
  });
