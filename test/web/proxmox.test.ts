import assert from "node:assert/strict";
import { test } from "node:test";
import type { SignInLink } from "#wire/api.ts";
import { lackingBrowser, startBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { startControl, startPorthole } from "../harness/porthole.ts";
import { openTypeAndLeave } from "../harness/stage.ts";
import { INTO_DEFAULT } from "../peers/hypervisor-stage.ts";
import { startProxmoxApi } from "../peers/proxmox-api.ts";
import { addressOf, clusterMachine, startProxmoxStage } from "../peers/proxmox-stage.ts";
import { lackingGuest, lackingQemu, startQemuGuest } from "../peers/qemu.ts";

test("a machine of Proxmox VE's comes by itself, and is opened, typed into and closed in the browser", {
  skip: lackingBrowser || lackingGuest,
}, async () => {
  await using guest = await startQemuGuest({ proxmox: { password: "nobody" } });
  const { host, ports, qmp } = guest;
  await using proxmox = await startProxmoxApi({ host, port: ports.proxmox, qmp, display: "proxmox" });
  const web = clusterMachine("web");
  proxmox.cluster.machines.set(100, web);
  await using porthole = await startPorthole();
  await using browser = await startBrowser();
  const { api } = porthole;
  await api.call("POST", "hypervisors", {
    ...{ name: "pve", platform: "proxmox", address: proxmox.address, rules: INTO_DEFAULT },
    credentials: {
      ...{ username: proxmox.tokenId, secret: proxmox.secret, caCertificate: proxmox.authority.pem },
    },
  });
  const machine = await eventually(async () => {
    const found = (await api.machines()).find(({ address }) => address === addressOf(100, web));
    assert.ok(found?.power === "running");
    return found;
  });

  await openTypeAndLeave({ porthole, browser, guest }, machine.id);

  const { stdout, stderr } = porthole.process;
  for (const secret of [proxmox.secret, ...proxmox.secrets])
    assert.ok(!`${stdout.text}${stderr.text}`.includes(secret), "the log");
});

test("a cluster that is tested says which of its nodes do not answer", {
  skip: lackingBrowser || lackingQemu,
}, async () => {
  await using stage = await startProxmoxStage();
  await using control = await startControl();
  await using browser = await startBrowser();
  const { api } = stage;
  await control.api.call("POST", "hypervisors", {
    ...{ name: "pve", platform: "proxmox", address: api.address },
    credentials: { username: api.tokenId, secret: api.secret, caCertificate: api.authority.pem },
  });
  api.cluster.down.add("pve2");
  const page = await browser.open();
  const { url } = await control.api.call<SignInLink>("POST", "me/sign-in-link");
  await page.goto(url);
  await page.locator("nav a[href='#hypervisors']").click();
  const row = page.getByRole("table", { name: "Known hypervisors" }).getByRole("row", { name: "pve" });

  await row.getByRole("button", { name: "Test" }).click();

  const said =
    "pve answers, and has 1 machine. No answer from pve2: its machines stay as they are on record.";
  await page.getByRole("status").getByText(said).waitFor();
});
