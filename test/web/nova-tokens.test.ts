import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { VIEWER_PAGES } from "#wire/viewer.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { typeKeys } from "../harness/keyboard.ts";
import { colours, consolePicture } from "../harness/picture.ts";
import { type Control, type Node, startControl, startNode } from "../harness/porthole.ts";
import { scratch } from "../harness/scratch.ts";
import { endingWords, untilLive } from "../harness/stage.ts";
import { lackingNova, NOVA_ADMIN, type Nova, startNova } from "../peers/nova/nova.ts";
import { lackingGuest, type QemuGuest, serialPort, startQemuGuest } from "../peers/qemu.ts";

describe("a link that Nova gave out", { skip: lackingBrowser || lackingGuest || lackingNova }, () => {
  const opened = new AsyncDisposableStack();
  let nova: Nova;
  let guest: QemuGuest<"screen">;
  let browser: TestBrowser;
  let control: Control;
  let node: Node;
  before(async () => {
    const folder = opened.use(scratch());
    nova = opened.use(await startNova());
    guest = opened.use(await startQemuGuest({ screen: {} }, { line: true }));
    const cloud = join(folder.path, "clouds.yaml");
    const auth = { endpoint: nova.url, token: NOVA_ADMIN };
    writeFileSync(cloud, JSON.stringify({ clouds: { nova: { auth_type: "admin_token", auth } } }));
    control = opened.use(await startControl({ args: ["--nova-cloud", cloud] }));
    node = opened.use(await startNode(control));
    browser = opened.use(await startBrowser());
  });
  after(async () => await opened.disposeAsync());

  /** As Nova makes it of its `novncproxy_base_url`. */
  async function link(): Promise<string> {
    const { token } = await nova.authorize({ host: guest.host, port: guest.ports.screen });
    return `${node.node}/p/nova/console.html?path=%3Ftoken%3D${token}`;
  }

  test("opens the machine's screen in our viewer, and is out of the address bar", async () => {
    const page = await browser.open();

    await page.goto(await link());
    await untilLive(page);

    await eventually(async () => assert.ok(colours(await consolePicture(page)) > 1));
    await typeKeys(page, "echo from-novas-link > /dev/ttyS0\n");
    await eventually(() => assert.match(guest.serial(), /from-novas-link/));
    assert.equal(new URL(page.url()).search, "");
  });

  test("opens the machine's serial line, which is typed into, and is out of the address bar", async () => {
    const { token } = await nova.authorize({
      ...{ type: "serial", host: guest.host, port: await serialPort(guest, "line") },
      base: `ws://${new URL(node.node).host}/serial`,
    });
    const page = await browser.open();

    await page.goto(`${node.node}/p/serial/${VIEWER_PAGES.serial}?token=${token}`);
    await page.locator("[data-phase=live]").waitFor();
    await page.keyboard.type("\recho from-novas-line-$((6*7))\r");

    await eventually(async () =>
      assert.match((await page.locator(".xterm-rows").textContent()) ?? "", /from-novas-line-42/),
    );
    assert.match(guest.serial(), /from-novas-line-42/);
    assert.deepEqual([new URL(page.url()).search, new URL(page.url()).hash], ["", ""]);
    assert.equal(await page.getByRole("button", { name: /again/i }).count(), 0);
  });

  test("is not opened again from its page, which offers nothing that it cannot do", async () => {
    const page = await browser.open();
    await page.goto(await link());
    await untilLive(page);
    const { items } = await control.api.call<{
      readonly items: readonly { readonly id: string; readonly state: string }[];
    }>("GET", "sessions?state=active");

    for (const { id } of items) await control.api.call("POST", `sessions/${id}/end`);

    assert.match(await endingWords(page), /ended/i);
    assert.equal(await page.getByRole("button", { name: /again/i }).count(), 0);
  });
});
