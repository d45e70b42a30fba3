import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { type Porthole, startPorthole } from "../harness/porthole.ts";
import { scratch } from "../harness/scratch.ts";
import { type StaticServer, startStaticServer } from "../harness/static-server.ts";
import { TestViewer } from "../harness/test-viewer.ts";

const SITE = "evil.example";
const NOTHING = { "x-auth-token": "notused" };

/** What Chromium writes down of each attempt. */
const REFUSED = /CORS policy|Failed to load resource|ERR_FAILED|Cross-Origin-Opener-Policy/;

interface Call {
  readonly method?: string;
  readonly body?: string;
  readonly mode?: "no-cors";
  readonly headers?: typeof NOTHING;
}

describe("a Nova API that needs no token", { skip: lackingBrowser }, () => {
  const started = new AsyncDisposableStack();
  let porthole: Porthole & { readonly nova: string };
  let site: StaticServer;
  let browser: TestBrowser;
  before(async () => {
    const args = ["--nova", "127.0.0.1:0", "--nova-open"];
    porthole = started.use(await startPorthole({ args })) as typeof porthole;
    const folder = started.use(scratch());
    writeFileSync(join(folder.path, "index.html"), "<!doctype html><title>elsewhere</title>");
    site = started.use(await startStaticServer(folder.path));
    browser = started.use(await startBrowser({ here: SITE }));
  });
  after(async () => await started.disposeAsync());

  /** What a page learns of an answer; `unheard` where its browser tells it nothing. */
  async function asked(page: Page, url: string, call: Call): Promise<number | "unheard"> {
    return await page.evaluate(
      async ([to, how]) =>
        await fetch(to, how).then(
          ({ status }) => status || "unheard",
          () => "unheard" as const,
        ),
      [url, call] as const,
    );
  }

  test("is not one for pages in a browser of that machine: of another site, of another port, or of a name that leads here", async () => {
    const { nova } = porthole;
    const { port } = new URL(nova);
    const [machine] = porthole.machines;
    const console = `${nova}/servers/${machine?.id}/console`;
    const body = JSON.stringify({ protocol: "vnc", type: "novnc" });
    const before = await sessions();

    for (const origin of [`http://${SITE}:${site.port}`, `http://127.0.0.1:${site.port}`]) {
      const page = await browser.open({ expected: REFUSED });
      await page.goto(`${origin}/index.html`);
      assert.equal(await asked(page, `${nova}/servers`, { headers: NOTHING }), "unheard");
      assert.equal(await asked(page, console, { method: "POST", body, headers: NOTHING }), "unheard");
      assert.equal(await asked(page, console, { method: "POST", body, mode: "no-cors" }), "unheard");
    }
    const rebound = await browser.open({ expected: REFUSED });
    const answer = await rebound.goto(`http://${SITE}:${port}/v2.1`);
    assert.equal(answer?.status(), 421, "the name leads to this port, and is none of ours");
    assert.equal(await asked(rebound, "/v2.1/servers", { headers: NOTHING }), 421);
    assert.equal(
      await asked(rebound, new URL(console).pathname, { method: "POST", body, headers: NOTHING }),
      421,
    );
    const own = await browser.open({ expected: REFUSED });
    await own.goto(`${new URL(nova).origin}/v2.1`);
    assert.equal(
      await asked(own, "/v2.1/servers", { headers: NOTHING }),
      401,
      "nor is a page at that very port",
    );

    assert.deepEqual(await sessions(), before, "no console was made for any of them");
    const { status } = await fetch(console, { method: "POST", body, headers: NOTHING });
    assert.equal(status, 200, "while a client that is no browser gets one");
  });

  test("is reached by nobody through the console of a machine", async () => {
    const { host } = new URL(porthole.nova);
    const { id } = await porthole.api.addMachine({ name: "line", protocol: "serial", address: host });
    const { websocket } = await porthole.api.openConsole(id);

    await using viewer = await TestViewer.porthole(porthole.node, websocket.token);

    assert.deepEqual(await viewer.untilClosed(), { code: 4448, reason: "upstream_is_porthole" });
  });

  async function sessions(): Promise<readonly string[]> {
    const { items } = await porthole.api.call<{ readonly items: readonly { readonly id: string }[] }>(
      "GET",
      "sessions",
    );
    return items.map(({ id }) => id).sort();
  }
});
