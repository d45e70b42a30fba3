import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { lackingBrowser } from "../harness/browser.ts";
import { type ConsoleEndpoint, createConsoleEndpoint } from "../harness/cloudstack.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK } from "../harness/free-port.ts";
import { typeKeys } from "../harness/keyboard.ts";
import { STOCK_NOVNC_COMPLAINTS } from "../harness/own-viewer.ts";
import { colours, consolePicture } from "../harness/picture.ts";
import { type Stage, startStage } from "../harness/stage.ts";
import { type StaticServer, startStaticServer } from "../harness/static-server.ts";
import { lackingGuest } from "../peers/qemu.ts";

/** `systemvm/agent/noVNC` of a checkout of CloudStack: neither npm nor Debian has its patched noVNC. */
const NOVNC = process.env["PORTHOLE_CLOUDSTACK_NOVNC"] ?? "";
const lackingNoVnc =
  NOVNC === "" && "PORTHOLE_CLOUDSTACK_NOVNC does not name CloudStack's systemvm/agent/noVNC";

describe("CloudStack's noVNC, as it is shipped", {
  skip: lackingBrowser || lackingGuest || lackingNoVnc,
}, () => {
  let stage: Stage<"screen">;
  let site: StaticServer;
  before(async () => {
    [stage, site] = await Promise.all([startStage({ screen: {} }), startStaticServer(NOVNC)]);
  });
  after(async () => {
    await stage[Symbol.asyncDispose]();
    await site[Symbol.asyncDispose]();
  });

  /** The address is that of CloudStack's ConsoleAccessManagerImpl.generateConsoleAccessUrl, viewer's parameters only. */
  async function open(
    { host, port, path, token, extra }: ConsoleEndpoint["websocket"],
    more = {},
  ): Promise<Page> {
    const page = await stage.browser.open({ expected: STOCK_NOVNC_COMPLAINTS });
    const parameters = { autoconnect: "true", host, port, path, token, ...(extra && { extra }), ...more };
    const query = new URLSearchParams(parameters).toString().replaceAll("+", "%20");
    await page.goto(`http://${LOOPBACK}:${site.port}/vnc.html?${query}`);
    return page;
  }

  async function connected(page: Page): Promise<void> {
    await page.locator("html.noVNC_connected").waitFor();
    await eventually(async () => assert.ok(colours(await consolePicture(page)) > 1));
  }

  test("shows the console, and types into it by key and as text", async () => {
    const machine = await stage.machine("screen", { name: "web server 3" });
    const page = await open((await createConsoleEndpoint(stage.porthole, machine)).websocket);
    await connected(page);
    assert.match(await page.title(), /^web server 3/);

    await page.locator("canvas").focus();
    await typeKeys(page, "echo from-cloudstack > /dev/ttyS0\n", stage.guest);
    await eventually(() => assert.match(stage.guest.serial(), /from-cloudstack/));

    await page.locator("#noVNC_clipboard_text").evaluate((text: { value: string }) => {
      text.value = "echo As-Text! > /dev/ttyS0\n";
    });
    await page
      .locator("#noVNC_clipboard_send_button")
      .evaluate((button: { click(): void }) => button.click());
    await eventually(() => assert.match(stage.guest.serial(), /As-Text!/));
  });

  test("comes in with an extra token that it does not encode, and not without", async () => {
    const machine = await stage.machine("screen");
    const { websocket } = await createConsoleEndpoint(stage.porthole, machine, {
      token: "q83v+/8A q83v+w==",
    });
    const { extra: _, ...withoutExtra } = websocket;

    const refused = await open(withoutExtra);
    await refused.locator("#noVNC_status.noVNC_open.noVNC_status_error").waitFor();

    await connected(await open(websocket));
  });
});
