import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { lackingBrowser, startBrowser } from "../harness/browser.ts";
import { createConsoleEndpoint } from "../harness/cloudstack.ts";
import { LOOPBACK } from "../harness/free-port.ts";
import { startControl, startNode } from "../harness/porthole.ts";
import { untilLive } from "../harness/stage.ts";
import { refusal, TestViewer } from "../harness/test-viewer.ts";
import { lackingTigerVnc, startTigerVnc } from "../peers/tigervnc.ts";

describe("a node with one port for pages and one for the WebSocket, as in CloudStack", {
  skip: lackingBrowser || lackingTigerVnc,
}, () => {
  test("the page of the one connects to the other, which the URL names", async () => {
    await using browser = await startBrowser();
    await using server = await startTigerVnc();
    await using control = await startControl();
    await using node = await startNode(control, { args: ["--websocket-listen", `${LOOPBACK}:0`] });
    const address = `${server.host}:${server.port}`;
    const { id } = await control.api.addMachine({ name: "machine", protocol: "rfb", address });
    const { port } = new URL(node.websocket);
    assert.notEqual(port, new URL(node.node).port);

    const { url, websocket } = await createConsoleEndpoint(control, id);
    const page = await browser.open();
    await page.goto(url);

    await untilLive(page);
    assert.deepEqual([new URL(url).origin, new URL(url).searchParams.get("port")], [node.node, port]);
    assert.equal(websocket.port, port);
  });

  test("a viewer of the caller's own uses what the answer says, on any path", async () => {
    await using server = await startTigerVnc();
    await using control = await startControl();
    await using _ = await startNode(control, { args: ["--websocket-listen", `${LOOPBACK}:0`] });
    const address = `${server.host}:${server.port}`;
    const { id } = await control.api.addMachine({ name: "machine", protocol: "rfb", address });

    for (const path of ["websockify", "websockify/websockify", "any/other"]) {
      const { websocket } = await createConsoleEndpoint(control, id);
      const url = `ws://${websocket.host}:${websocket.port}/${path}?token=${encodeURIComponent(websocket.token)}`;
      await using viewer = await TestViewer.connect(url);
      assert.equal((await viewer.handshake()).name, "machine");

      const { status } = await refusal(url);
      assert.equal(status, 410, "and never twice");
    }
  });
});
