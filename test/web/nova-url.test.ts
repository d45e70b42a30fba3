import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { lackingBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { typeKeys } from "../harness/keyboard.ts";
import { novaToken } from "../harness/nova.ts";
import { lackingStockNoVnc, STOCK_NOVNC_COMPLAINTS, startStockNoVnc } from "../harness/own-viewer.ts";
import { colours, consolePicture } from "../harness/picture.ts";
import { endingWords, NOVNC_REFUSED, type Stage, startStage, untilLive } from "../harness/stage.ts";
import { lackingNovaClients, runOpenStack } from "../peers/nova-clients.ts";
import { lackingGuest } from "../peers/qemu.ts";

const lackingAnything = lackingBrowser || lackingGuest || lackingNovaClients || lackingStockNoVnc;

describe("the URL that openstack prints", { skip: lackingAnything }, () => {
  let stage: Stage<"screen">;
  let machine: string;
  before(async () => {
    stage = await startStage({ screen: {} });
    machine = await stage.machine("screen");
  });
  after(async () => await stage[Symbol.asyncDispose]());

  async function printed(): Promise<string> {
    const { control } = stage.porthole;
    const outcome = await runOpenStack([
      ...["--os-auth-type", "admin_token", "--os-endpoint", `${control}/compute/v2.1`],
      ...["--os-token", novaToken(stage.porthole)],
      ...["console", "url", "show", "-f", "json", "--novnc", machine],
    ]);
    const { url } = outcome.json as { readonly url?: string };
    assert.ok(url !== undefined, JSON.stringify(outcome));
    return url;
  }

  async function typeInto(page: Page, word: string): Promise<void> {
    await typeKeys(page, `echo ${word} > /dev/ttyS0\n`, stage.guest);
    await eventually(() => assert.match(stage.guest.serial(), new RegExp(word)));
  }

  test("opens the console in a browser, with a portal's title behind it, and leaves the address bar", async () => {
    const page = await stage.browser.open();
    const asked: string[] = [];
    page.on("request", (request) => asked.push(request.url()));

    await page.goto(`${await printed()}&title=db-1(0d5e)`);
    await untilLive(page);

    await eventually(async () => assert.ok(colours(await consolePicture(page)) > 1));
    await typeInto(page, "from-novas-url");
    assert.deepEqual([new URL(page.url()).search, new URL(page.url()).hash], ["", ""]);
    assert.deepEqual(
      asked.slice(1).filter((url) => url.includes("token")),
      [],
      "nothing but the page itself is asked for with the ticket",
    );
  });

  test("opens it once; as `?token=` as well, which is how portals write it for other viewers", async () => {
    const url = new URL(await printed());
    const path = url.searchParams.get("path") ?? "";
    url.search = path;
    const page = await stage.browser.open();
    await page.goto(url.href);
    await untilLive(page);

    const again = await stage.browser.open({ expected: NOVNC_REFUSED });
    await again.goto(url.href);

    assert.match(await endingWords(again), /already used/);
    assert.equal(new URL(again.url()).search, "");
  });

  test("leads to stock noVNC where the operator has that, which shows the console", async () => {
    await using site = await startStockNoVnc();
    const { api, node } = stage.porthole;
    const { hostname, port } = new URL(node);
    const base = `http://127.0.0.1:${site.port}/vnc_lite.html?host=${hostname}&port=${port}`;
    await api.call("PUT", "settings/novncproxy_base_url", { value: base });
    const url = await printed();
    await api.call("PUT", "settings/novncproxy_base_url", { value: "" });

    const page = await stage.browser.open({ expected: STOCK_NOVNC_COMPLAINTS });
    await page.goto(url);

    assert.ok(url.startsWith(`${base}&path=%3Ftoken%3D`), url);
    await page.getByText("Connected to").waitFor();
    await eventually(async () => assert.ok(colours(await consolePicture(page)) > 1));
    await page.locator("canvas").focus();
    await typeInto(page, "from-stock-novnc");
  });
});
