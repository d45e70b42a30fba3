import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { typeKeys } from "../harness/keyboard.ts";
import { colours, consolePicture } from "../harness/picture.ts";
import { type Control, type Node, startControl, startNode } from "../harness/porthole.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";
import { untilLive } from "../harness/stage.ts";
import { startStaticServer } from "../harness/static-server.ts";
import { startAuthd } from "../peers/authd/authd.ts";
import { lackingNova, NOVA_ADMIN, type Nova, startNova } from "../peers/nova/nova.ts";
import { lackingGuest, type QemuGuest } from "../peers/qemu.ts";
import { type SpiceMachine, startSpiceGuest } from "../peers/spice.ts";

/** Debian's, as a portal has it for Nova. */
const SPICE_HTML5 = fileURLToPath(new URL("../../.cache/spice-html5/usr/share/spice-html5", import.meta.url));

/**
 * It takes a zero byte off the beginning of a password that it has encrypted (`rsa_encrypt` in its ticket.js), so that of 256
 * channels SPICE's server refuses one; a person opens the link again.
 */
const MOST_TRIES = 4;

interface Session {
  readonly protocol: string;
  readonly state: string;
}

const skip = lackingBrowser || lackingGuest || lackingNova || lacking("spice-html5");

describe("a link of Nova's that is none of VNC", { skip }, () => {
  const opened = new AsyncDisposableStack();
  let nova: Nova;
  let machine: SpiceMachine<QemuGuest<"vnc">>;
  let browser: TestBrowser;
  let control: Control;
  let node: Node;
  before(async () => {
    const folder = opened.use(scratch());
    nova = opened.use(await startNova());
    machine = opened.use(await startSpiceGuest());
    const cloud = join(folder.path, "clouds.yaml");
    const auth = { endpoint: nova.url, token: NOVA_ADMIN };
    writeFileSync(cloud, JSON.stringify({ clouds: { nova: { auth_type: "admin_token", auth } } }));
    control = opened.use(await startControl({ args: ["--nova-cloud", cloud] }));
    node = opened.use(await startNode(control));
    browser = opened.use(await startBrowser());
  });
  after(async () => await opened.disposeAsync());

  const sessions = async (state: string) =>
    (await control.api.call<{ readonly items: readonly Session[] }>("GET", `sessions?state=${state}`)).items;

  test("opens SPICE in stock spice-html5, whose channels are one session", async () => {
    const site = opened.use(await startStaticServer(SPICE_HTML5));
    const origin = `http://127.0.0.1:${site.port}`;
    await control.api.call("PUT", "settings/console.allowed.origins", { value: origin });
    const { hostname, port } = new URL(node.node);
    const query = `host=${hostname}&port=${port}&password=${machine.password}&path=spice`;
    // As Nova makes it of its `html5proxy_base_url`: with a second question mark where there is one.
    const page = `${origin}/spice_auto.html?${query}?token=`;

    let tried = 1;
    while (!(await isLetIn(page)))
      assert.ok(++tried <= MOST_TRIES, "the password is refused again and again");
  });

  async function isLetIn(url: string): Promise<boolean> {
    const { token } = await nova.authorize({ ...machine, type: "spice-html5" });
    const page = await browser.open({ expected: /Failed to load resource|Permission denied/ });
    const refused = new Promise<false>((resolve) => {
      // Of the first channel it asks for another password, of the others it says nothing.
      page.on("dialog", () => resolve(false));
      page.on("pageerror", ({ message }) => {
        if (/Permission denied/.test(message)) resolve(false);
      });
    });
    await page.goto(`${url}${token}`);
    const used = use(page).then(() => true);
    try {
      return await Promise.race([used, refused]);
    } finally {
      await page.close();
      await used.catch(() => {}); // Of a page that is closed; what is wrong with another has been thrown.
      await eventually(async () => assert.deepEqual(await sessions("active"), []));
    }
  }

  async function use(page: Page): Promise<void> {
    await page.locator("canvas").first().waitFor();
    await eventually(async () => assert.ok(colours(await consolePicture(page)) > 1));
    // Where it listens to keys.
    await page.locator("canvas").first().focus();
    await typeKeys(page, "echo from-spice > /dev/ttyS0\n", machine.qemu);
    await eventually(() => assert.match(machine.qemu.serial(), /from-spice/));
    assert.deepEqual(
      (await sessions("active")).map(({ protocol }) => protocol),
      ["spice"],
    );
  }

  test("opens a machine of VMware's in our viewer, where its mks speaks RFB", async () => {
    const authd = opened.use(await startAuthd({ host: machine.host, port: machine.qemu.ports.vnc }));
    const path = JSON.stringify(authd.access);
    const { token } = await nova.authorize({ host: authd.host, port: authd.port, type: "webmks", path });
    const page = await browser.open();

    await page.goto(`${node.node}/p/mks/console.html?token=${token}`);
    await untilLive(page);

    await eventually(async () => assert.ok(colours(await consolePicture(page)) > 1));
    await typeKeys(page, "echo from-mks > /dev/ttyS0\n", machine.qemu);
    await eventually(() => assert.match(machine.qemu.serial(), /from-mks/));
    assert.equal(new URL(page.url()).search, "");
  });
});
