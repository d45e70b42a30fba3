import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { ERRORS } from "#wire/errors.ts";
import { lackingBrowser } from "../harness/browser.ts";
import { type ConsoleEndpoint, createConsoleEndpoint } from "../harness/cloudstack.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { typeKeys } from "../harness/keyboard.ts";
import {
  lackingStockNoVnc,
  STOCK_NOVNC_COMPLAINTS,
  startStockNoVnc,
  stockNoVncUrl,
} from "../harness/own-viewer.ts";
import { colours, consolePicture } from "../harness/picture.ts";
import { type Stage, startStage } from "../harness/stage.ts";
import type { StaticServer } from "../harness/static-server.ts";
import { lackingGuest } from "../peers/qemu.ts";

const lackingAnything = lackingBrowser || lackingGuest || lackingStockNoVnc;

describe("Debian's noVNC, served from elsewhere", { skip: lackingAnything }, () => {
  let stage: Stage<"screen">;
  let site: StaticServer;
  before(async () => {
    [stage, site] = await Promise.all([startStage({ screen: {} }), startStockNoVnc()]);
  });
  after(async () => {
    await stage[Symbol.asyncDispose]();
    await site[Symbol.asyncDispose]();
  });

  async function open(
    { websocket }: Pick<ConsoleEndpoint, "websocket">,
    options: { readonly file?: string; readonly site?: string } = {},
  ): Promise<Page> {
    const page = await stage.browser.open({ expected: STOCK_NOVNC_COMPLAINTS });
    await page.goto(stockNoVncUrl(site, websocket, options));
    return page;
  }

  test("shows the console, and types into it", async () => {
    const endpoint = await createConsoleEndpoint(stage.porthole, await stage.machine("screen"));

    const page = await open(endpoint);

    await page.getByText("Connected to").waitFor();
    await eventually(async () => assert.ok(colours(await consolePicture(page)) > 1));
    await page.locator("canvas").focus();
    await typeKeys(page, "echo from-stock-novnc > /dev/ttyS0\n", stage.guest);
    await eventually(() => assert.match(stage.guest.serial(), /from-stock-novnc/));
  });

  test("is told the machine's name, and not the hypervisor's", async () => {
    const machine = await stage.machine("screen", { name: "web server 3" });

    const page = await open(await createConsoleEndpoint(stage.porthole, machine));

    await page.getByText("Connected to web server 3", { exact: true }).waitFor();
  });

  test("comes in with an extra token, and not without", async () => {
    const machine = await stage.machine("screen");
    const endpoint = await createConsoleEndpoint(stage.porthole, machine, {
      token: "correct horse+battery/staple",
    });
    const { extra, ...withoutExtra } = endpoint.websocket;
    assert.equal(extra, "correct horse+battery/staple");

    const without = await open({ websocket: withoutExtra });
    await without.getByText("Something went wrong, connection is closed").waitFor();
    const within = await open(endpoint);

    await within.getByText("Connected to").waitFor();
  });

  test("shows the reason when nothing listens where the machine's console was", async () => {
    const dead = await onFreePort((port) =>
      stage.porthole.api.addMachine({ name: "gone", protocol: "rfb", address: `${LOOPBACK}:${port}` }),
    );

    const page = await open(await createConsoleEndpoint(stage.porthole, dead.id), { file: "vnc.html" });

    const status = page.locator("#noVNC_status");
    await status.getByText(ERRORS.upstream_connection_refused.meaning).waitFor();
  });

  test("is refused from a site that nobody allowed, until somebody does", async () => {
    const machine = await stage.machine("screen");
    const elsewhere = `http://localhost:${site.port}`;

    const refused = await open(await createConsoleEndpoint(stage.porthole, machine), { site: elsewhere });
    await refused.getByText("Something went wrong, connection is closed").waitFor();
    await stage.porthole.api.call("PUT", "settings/console.allowed.origins", { value: elsewhere });

    await eventually(async () => {
      const page = await open(await createConsoleEndpoint(stage.porthole, machine), { site: elsewhere });
      await page.getByText(/Connected to|Something went wrong/).waitFor();
      assert.match((await page.locator("#status").textContent()) ?? "", /Connected to/);
    });
  });
});
