import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { ERRORS } from "#wire/errors.ts";
import { lackingBrowser } from "../harness/browser.ts";
import { type ConsoleEndpoint, createConsoleEndpoint } from "../harness/cloudstack.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { typeKeys } from "../harness/keyboard.ts";
import { colours, consolePicture } from "../harness/picture.ts";
import { lacking } from "../harness/requirements.ts";
import { type Stage, startStage } from "../harness/stage.ts";
import { type StaticServer, startStaticServer } from "../harness/static-server.ts";
import { lackingGuest } from "../peers/qemu.ts";

const lackingAnything = lackingBrowser || lackingGuest || lacking("novnc");

/** What noVNC itself writes to the console when a connection is refused: Chromium's words, then its own. */
const REFUSAL_COMPLAINTS =
  /WebSocket connection to|favicon|Failed to load resource|Security (negotiation|handshake)|Failed when|package.json/;

describe("Debian's noVNC, served from elsewhere", { skip: lackingAnything }, () => {
  let stage: Stage<"screen">;
  let site: StaticServer;
  before(async () => {
    [stage, site] = await Promise.all([startStage({ screen: {} }), startStaticServer("/usr/share/novnc")]);
  });
  after(async () => {
    await stage[Symbol.asyncDispose]();
    await site[Symbol.asyncDispose]();
  });

  /** As the documentation of noVNC says to embed it: host, port, and a path that carries the token. */
  async function open(
    file: "vnc.html" | "vnc_lite.html",
    { websocket }: Pick<ConsoleEndpoint, "websocket">,
    { origin = `http://${LOOPBACK}:${site.port}` } = {},
  ): Promise<Page> {
    const { host, port, path, token, extra } = websocket;
    const query = new URLSearchParams({ token, ...(extra === undefined ? {} : { extra }) });
    const settings = new URLSearchParams({ host, port, path: `${path}?${query}`, autoconnect: "true" });
    const page = await stage.browser.open({ expected: REFUSAL_COMPLAINTS });
    await page.goto(`${origin}/${file}?${settings.toString().replaceAll("+", "%20")}`);
    return page;
  }

  test("shows the console, and types into it", async () => {
    const endpoint = await createConsoleEndpoint(stage.porthole, await stage.machine("screen"));

    const page = await open("vnc_lite.html", endpoint);

    await page.getByText("Connected to").waitFor();
    await eventually(async () => assert.ok(colours(await consolePicture(page)) > 1));
    await page.locator("canvas").focus();
    await typeKeys(page, "echo from-stock-novnc > /dev/ttyS0\n");
    await eventually(() => assert.match(stage.guest.serial(), /from-stock-novnc/));
  });

  test("is told the machine's name, and not the hypervisor's", async () => {
    const machine = await stage.machine("screen", { name: "web server 3" });

    const page = await open("vnc_lite.html", await createConsoleEndpoint(stage.porthole, machine));

    await page.getByText("Connected to web server 3", { exact: true }).waitFor();
  });

  test("comes in with an extra token, and not without", async () => {
    const machine = await stage.machine("screen");
    const endpoint = await createConsoleEndpoint(stage.porthole, machine, {
      token: "correct horse+battery/staple",
    });
    const { extra, ...withoutExtra } = endpoint.websocket;
    assert.equal(extra, "correct horse+battery/staple");

    const without = await open("vnc_lite.html", { websocket: withoutExtra });
    await without.getByText("Something went wrong, connection is closed").waitFor();
    const within = await open("vnc_lite.html", endpoint);

    await within.getByText("Connected to").waitFor();
  });

  test("shows the reason when nothing listens where the machine's console was", async () => {
    const dead = await onFreePort((port) =>
      stage.porthole.api.addMachine({ name: "gone", protocol: "rfb", address: `${LOOPBACK}:${port}` }),
    );

    const page = await open("vnc.html", await createConsoleEndpoint(stage.porthole, dead.id));

    const status = page.locator("#noVNC_status");
    await status.getByText(ERRORS.upstream_connection_refused.meaning).waitFor();
  });

  test("is refused from a site that nobody allowed, until somebody does", async () => {
    const machine = await stage.machine("screen");
    const origin = `http://localhost:${site.port}`;

    const refused = await open("vnc_lite.html", await createConsoleEndpoint(stage.porthole, machine), {
      origin,
    });
    await refused.getByText("Something went wrong, connection is closed").waitFor();
    await stage.porthole.api.call("PUT", "settings/console.allowed.origins", { value: origin });

    await eventually(async () => {
      const page = await open("vnc_lite.html", await createConsoleEndpoint(stage.porthole, machine), {
        origin,
      });
      await page.getByText(/Connected to|Something went wrong/).waitFor();
      assert.match((await page.locator("#status").textContent()) ?? "", /Connected to/);
    });
  });
});
