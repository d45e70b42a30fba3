import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { lackingBrowser, startBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { typeKeys } from "../harness/keyboard.ts";
import { startPorthole } from "../harness/porthole.ts";
import { untilLive } from "../harness/stage.ts";
import { INTO_DEFAULT, qemuAt } from "../peers/hypervisor-stage.ts";
import { lackingLibvirt, startLibvirt } from "../peers/libvirt.ts";
import { define, guestDomain } from "../peers/libvirt-domains.ts";
import { limits as guestLimits, lackingGuest } from "../peers/qemu.ts";

test("a machine of libvirt's without any network comes by itself, and is opened, typed into and closed in the browser", {
  skip: lackingBrowser || lackingGuest || lackingLibvirt,
}, async () => {
  await using libvirt = await startLibvirt();
  await using porthole = await startPorthole();
  await using browser = await startBrowser();
  const { api } = porthole;
  const uuid = randomUUID();
  const serial = join(libvirt.logs, "serial");
  const graphics = "<graphics type='vnc' autoport='yes' listen='127.0.0.1' passwd='geheim'/>";
  await define(libvirt, guestDomain(libvirt, { uuid, name: "web", graphics, serial }));
  await api.call("POST", "hypervisors", {
    ...{ name: "host7", platform: "libvirt", address: qemuAt(libvirt), rules: INTO_DEFAULT },
  });
  await libvirt.virsh("start", uuid);
  const printed = () => readFileSync(serial, "latin1");
  await eventually(() => assert.match(printed(), /GUEST-READY/), { withinMs: guestLimits.bootMs });
  const machine = await eventually(async () => {
    const found = (await api.machines()).find(({ address }) => address === uuid);
    assert.ok(found?.power === "running");
    return found;
  });
  assert.doesNotMatch(await libvirt.virsh("dumpxml", uuid), /<interface/);
  const { sessionId, url } = await api.openConsole(machine.id);
  const page = await browser.open();
  await page.goto(url);
  await untilLive(page);

  await typeKeys(page, "echo typed-$((6*7)) > /dev/ttyS0\n");

  await eventually(() => assert.match(printed(), /typed-42/));
  await page.goto("about:blank");
  await eventually(async () => {
    const { state, ending } = await api.session(sessionId);
    assert.deepEqual([state, ending?.code], ["ended", "viewer_closed"]);
  });
});
