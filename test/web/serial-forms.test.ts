import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { NewMachine } from "#wire/api.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { type Porthole, startPorthole } from "../harness/porthole.ts";
import { scratch } from "../harness/scratch.ts";
import { lackingHaproxy } from "../peers/haproxy.ts";
import { createPki, type Pki, SERVER_NAME, writePki } from "../peers/pki.ts";
import { lackingQemu, type Qemu, serialPort, serialSocket, startQemu } from "../peers/qemu.ts";
import { startTlsFront, type TlsFront } from "../peers/tls-front.ts";

const skip = lackingBrowser || lackingQemu || lackingHaproxy;

/** Each way in which QEMU offers a character device. Its own monitor is behind them: it echoes, and answers. */
describe("QEMU's character devices in the browser", { skip }, () => {
  const opened = new AsyncDisposableStack();
  const folder = opened.use(scratch());
  let qemu: Qemu<never>;
  let porthole: Porthole;
  let browser: TestBrowser;
  let pki: Pki;
  /** QEMU itself says the first words of telnet outside of TLS, where it is to speak both. */
  let telnetWithinTls: TlsFront;
  const path = (name: string) => join(folder.path, name);
  before(async () => {
    pki = await createPki();
    const good = writePki(path("good"), pki.authority, pki.server);
    const devices = [
      serialSocket("tcp"),
      serialSocket("telnet", ",telnet=on"),
      serialSocket("behind", ",telnet=on"),
      serialSocket("websocket", ",websocket=on"),
      serialSocket("tls", ",tls-creds=good"),
      `socket,id=unix,path=${path("line")},server=on,wait=off`,
      `socket,id=telnetunix,path=${path("telnet")},server=on,wait=off,telnet=on`,
    ];
    const args = devices.flatMap((device) => {
      const id = /id=(\w+)/.exec(device)?.[1];
      return ["-chardev", device, "-mon", `chardev=${id},mode=readline`];
    });
    qemu = opened.use(await startQemu({}, { args, credentials: { good: { folder: good } } }));
    telnetWithinTls = opened.use(
      await startTlsFront(
        { host: qemu.host, port: await serialPort(qemu, "behind") },
        { certificate: pki.server },
      ),
    );
    porthole = opened.use(await startPorthole());
    browser = opened.use(await startBrowser());
    const { api } = porthole;
    await api.call("PUT", "settings/upstream.allow", { value: `127.0.0.0/8,unix:${folder.path}/*` });
  });
  after(async () => await opened.disposeAsync());

  const at = async (id: string) => `${qemu.host}:${await serialPort(qemu, id)}`;
  const tls = () => ({ mode: "verify", ca: pki.authority.pem, serverName: SERVER_NAME }) as const;

  const FORMS: Readonly<Record<string, () => Promise<Pick<NewMachine, "address" | "tls">>>> = {
    TCP: async () => ({ address: await at("tcp") }),
    telnet: async () => ({ address: `telnet://${await at("telnet")}` }),
    "a WebSocket": async () => ({ address: `ws://${await at("websocket")}/` }),
    TLS: async () => ({ address: `tls://${await at("tls")}`, tls: tls() }),
    "telnet within TLS": async () => ({
      ...{ address: `telnets://${telnetWithinTls.host}:${telnetWithinTls.port}`, tls: tls() },
    }),
    "a UNIX socket": async () => ({ address: `unix:${path("line")}` }),
    "telnet by a UNIX socket": async () => ({ address: `telnet+unix:${path("telnet")}` }),
  };
  for (const [name, machine] of Object.entries(FORMS))
    test(`by ${name} are typed into, and their answer is to be read`, async () => {
      const { api } = porthole;
      const { id } = await api.addMachine({ name, protocol: "serial", ...(await machine()) });
      // The node hears what it may dial within seconds.
      const page = await eventually(async () => {
        const shown = await browser.open();
        await shown.goto((await api.openConsole(id)).url);
        await shown.locator("[data-phase=live], [data-phase=ended]").waitFor();
        assert.equal(await shown.locator("[data-phase=live]").count(), 1);
        return shown;
      });
      const rows = async () => (await page.locator(".xterm-rows").textContent()) ?? "";
      await eventually(async () => assert.match(await rows(), /\(qemu\)/));

      // Each once the one before is to be seen: QEMU's monitor forgets what else was in a record of TLS.
      for (const [index, character] of [..."info status"].entries()) {
        await page.keyboard.type(character);
        const typed = "info status".slice(0, index + 1);
        await eventually(async () => assert.ok((await rows()).replaceAll("\xa0", " ").includes(typed)));
      }
      await page.keyboard.press("Enter");

      // Paused, since it never ran.
      await eventually(async () => assert.match((await rows()).replaceAll("\xa0", " "), /VM status: paused/));
      await page.goto("about:blank");
    });
});
