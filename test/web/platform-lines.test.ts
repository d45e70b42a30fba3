import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { lackingBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { type Stage, startStage } from "../harness/stage.ts";
import { ACCOUNTS, startXapi } from "../harness/xapi/pool.ts";
import { INTO_DEFAULT } from "../peers/hypervisor-stage.ts";
import { startKubeVirtApi } from "../peers/kubevirt-api.ts";
import { startProxmoxApi } from "../peers/proxmox-api.ts";
import { addressOf, clusterMachine } from "../peers/proxmox-stage.ts";
import { lackingGuest, serialPort } from "../peers/qemu.ts";

describe("a platform's serial line in the browser", { skip: lackingBrowser || lackingGuest }, () => {
  let stage: Stage<"screen">;
  let line: { readonly host: string; readonly port: number };
  before(async () => {
    stage = await startStage({ screen: { password: "nobody" } }, { line: true });
    line = { host: stage.guest.host, port: await serialPort(stage.guest, "line") };
  });
  after(async () => await stage?.[Symbol.asyncDispose]());

  test("is that of XAPI's vt100, typed into and closed", async () => {
    await using pool = await startXapi({ lineOf: () => line });
    const { uuid } = pool.add({ name: "xen-web" });
    await stage.porthole.api.call("POST", "hypervisors", {
      ...{ name: "pool7", platform: "xenserver", address: pool.address, rules: INTO_DEFAULT },
      credentials: {
        ...{ username: "console", secret: ACCOUNTS.console.password },
        caCertificate: pool.authority.pem,
      },
    });

    await openTypeAndLeave(uuid, "xapi");

    await eventually(() => assert.deepEqual(pool.sessions("porthole-console"), []));
  });

  test("is that of KubeVirt's console, typed into and closed", async () => {
    await using kubevirt = await startKubeVirtApi(line, { line });
    const address = kubevirt.cluster.add("web");
    await stage.porthole.api.call("POST", "hypervisors", {
      ...{ name: "lab", platform: "kubevirt", address: kubevirt.address, rules: INTO_DEFAULT },
      credentials: { secret: kubevirt.token, caCertificate: kubevirt.authority.pem },
    });

    await openTypeAndLeave(address, "kubevirt");

    await eventually(() => assert.equal(kubevirt.viewers, 0));
  });

  test("is that of Proxmox VE's termproxy, typed into and closed", async () => {
    const { host, ports, qmp } = stage.guest;
    const screen = { host, port: ports.screen, qmp, display: "screen", line };
    await using proxmox = await startProxmoxApi(screen);
    const machine = clusterMachine("pve-web");
    proxmox.cluster.machines.set(100, machine);
    await stage.porthole.api.call("POST", "hypervisors", {
      ...{ name: "pve", platform: "proxmox", address: proxmox.address, rules: INTO_DEFAULT },
      credentials: {
        ...{ username: proxmox.tokenId, secret: proxmox.secret },
        caCertificate: proxmox.authority.pem,
      },
    });

    await openTypeAndLeave(addressOf(100, machine), "proxmox");

    assert.deepEqual(proxmox.misread, []);
  });

  /** It comes by itself. */
  async function openTypeAndLeave(address: string, word: string): Promise<void> {
    const { browser, guest, porthole } = stage;
    const { api } = porthole;
    const { id } = await eventually(async () => {
      const found = (await api.machines()).find((each) => each.address === address);
      assert.ok(found?.power === "running");
      return found;
    });
    const { sessionId, url } = await api.openConsole(id, { protocol: "serial" });
    const page = await browser.open();
    await page.goto(url);
    await page.locator("[data-phase=live]").waitFor();
    const before = guest.serial().length;

    await page.keyboard.type(`\recho ${word}-$((6*7))\r`);

    const shown = new RegExp(`${word}-42`);
    await eventually(async () =>
      assert.match((await page.locator(".xterm-rows").textContent()) ?? "", shown),
    );
    assert.match(guest.serial().slice(before), shown);
    await page.goto("about:blank");
    await eventually(async () => {
      const { state, ending } = await api.session(sessionId);
      assert.deepEqual([state, ending?.code], ["ended", "viewer_closed"]);
    });
  }
});
