import assert from "node:assert/strict";
import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { cloudStackQuery } from "../harness/api.ts";
import { lackingBrowser } from "../harness/browser.ts";
import { createConsoleEndpoint } from "../harness/cloudstack.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK } from "../harness/free-port.ts";
import { colours, consolePicture } from "../harness/picture.ts";
import { firstLine, startProcess } from "../harness/process.ts";
import { scratch } from "../harness/scratch.ts";
import { type Stage, startStage, untilLive } from "../harness/stage.ts";
import { startStaticServer } from "../harness/static-server.ts";
import { lackingGuest } from "../peers/qemu.ts";

const DASHBOARD = fileURLToPath(new URL("../../examples/dashboard.ts", import.meta.url));
const NOVNC = fileURLToPath(new URL("../../node_modules/@novnc/novnc", import.meta.url));

/** As noVNC's docs/LIBRARY.md embeds it: the WebSocket's whole address is the page's own affair. */
const PAGE = `<!doctype html><meta charset="utf-8"><div id="screen" style="height: 480px"></div>
<script type="module">
import RFB from "./core/rfb.js";
const { address, wsProtocols } = JSON.parse(decodeURIComponent(location.hash.slice(1)));
const rfb = new RFB(document.querySelector("#screen"), address, { wsProtocols });
rfb.addEventListener("connect", () => { document.title = "connected"; });
rfb.addEventListener("desktopname", ({ detail }) => { document.body.dataset.name = detail.name; });
</script>`;

/** Who embeds noVNC, and what address it makes of what createConsoleEndpoint answers. */
const EMBEDDERS: readonly Embedder[] = [
  {
    who: "whoever encodes what stands in a query",
    extra: "a b+c/d=&é",
    path: "websockify",
    wsProtocols: [],
    query: (parameters) => `${new URLSearchParams({ ...parameters })}`,
  },
  {
    who: "CloudStack's own, which says the path twice and encodes nothing",
    extra: "q83v+/8A q83v+w== é 100%",
    path: "websockify/websockify",
    wsProtocols: ["binary"],
    query: ({ token, extra }) => `token=${token}&extra=${extra}`,
  },
];

interface Embedder {
  readonly who: string;
  readonly extra: string;
  readonly path: string;
  readonly wsProtocols: readonly string[];
  readonly query: (parameters: { readonly token: string; readonly extra: string }) => string;
}

describe("what integrators build", { skip: lackingBrowser || lackingGuest }, () => {
  let stage: Stage<"screen">;
  let machine: string;
  before(async () => {
    stage = await startStage({ screen: {} });
    machine = await stage.machine("screen", { name: "customer's machine" });
  });
  after(async () => await stage[Symbol.asyncDispose]());

  test("the dashboard of the examples opens a console from its own backend, in a window of its own", async () => {
    const { control, apiKey, secretKey } = stage.porthole;
    await using folder = scratch();
    const keyFile = join(folder.path, "secret.key");
    writeFileSync(keyFile, secretKey, { mode: 0o600 });
    await using dashboard = await startProcess(process.execPath, [DASHBOARD, control, apiKey, keyFile]);
    const page = await stage.browser.open();
    await page.goto(await firstLine(dashboard));

    const opened = page.waitForEvent("popup");
    await page
      .getByRole("listitem")
      .filter({ hasText: "customer's machine" })
      .getByRole("link", { name: "Console" })
      .click();
    const window = await opened;

    await untilLive(window);
    assert.equal(await window.title(), "customer's machine");
    assert.ok(!(await page.content()).includes(secretKey));
  });

  for (const { who, extra, path, wsProtocols, query } of EMBEDDERS)
    test(`noVNC 1.7 in a page of its own connects at /${path}, as by ${who}`, async () => {
      await using folder = scratch();
      cpSync(NOVNC, folder.path, { recursive: true });
      writeFileSync(join(folder.path, "index.html"), PAGE);
      await using site = await startStaticServer(folder.path);
      const { websocket } = await createConsoleEndpoint(stage.porthole, machine, { token: extra });
      const credentials = { token: websocket.token, extra: websocket.extra ?? "" };
      const address = `ws://${websocket.host}:${websocket.port}/${path}?${query(credentials)}`;
      const fragment = encodeURIComponent(JSON.stringify({ address, wsProtocols }));
      const page = await stage.browser.open({ expected: /favicon|Failed to load resource/ });

      await page.goto(`http://${LOOPBACK}:${site.port}/index.html#${fragment}`);

      await eventually(async () => assert.equal(await page.title(), "connected"));
      assert.equal(await page.evaluate("document.body.dataset.name"), "customer's machine");
      await eventually(async () => assert.ok(colours(await consolePicture(page)) > 1));
    });

  test("a page of another site shows a thumbnail of the screen, in an image that it signs for", async () => {
    const query = cloudStackQuery(stage.porthole, { cmd: "thumbnail", vm: machine, w: "144", h: "110" });
    const source = `${stage.porthole.control}/client/console?${query.replaceAll("&", "&amp;")}`;
    await using folder = scratch();
    writeFileSync(
      join(folder.path, "index.html"),
      `<!doctype html><link rel="icon" href="data:,"><img src="${source}">`,
    );
    await using site = await startStaticServer(folder.path);
    const page = await stage.browser.open();

    await page.goto(`http://localhost:${site.port}/index.html`);

    const size = "(({ naturalWidth, naturalHeight }) => [naturalWidth, naturalHeight])(document.images[0])";
    assert.deepEqual(await page.evaluate(size), [144, 80]);
  });

  // Last: from here on the installation's consoles have other addresses. Chromium knows where *.localhost is.
  test("with a domain, consoles open under the name that it gives the node", async () => {
    await stage.porthole.api.call("PUT", "settings/consoleproxy.url.domain", { value: "*.localhost" });
    const { port } = new URL(stage.porthole.node);
    const { websocket } = await createConsoleEndpoint(stage.porthole, machine);
    assert.deepEqual([websocket.host, websocket.port], ["127-0-0-1.localhost", port]);

    // The node hears of its name with its next report.
    await eventually(async () => {
      const page = await stage.browser.open({ expected: /WebSocket connection to/ });
      await page.goto((await createConsoleEndpoint(stage.porthole, machine)).url);
      await page.locator("[data-phase=live], [data-phase=ended]").waitFor();
      assert.equal(new URL(page.url()).host, `127-0-0-1.localhost:${port}`);
      assert.equal(await page.locator("[data-phase=live]").count(), 1);
    });
  });
});
