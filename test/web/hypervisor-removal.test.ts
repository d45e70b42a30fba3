import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { SignInLink } from "#wire/api.ts";
import { ERRORS } from "#wire/errors.ts";
import { lackingBrowser, startBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { startPorthole } from "../harness/porthole.ts";
import { endingWords, untilLive } from "../harness/stage.ts";
import { INTO_DEFAULT, qemuAt } from "../peers/hypervisor-stage.ts";
import { lackingLibvirt, startLibvirt } from "../peers/libvirt.ts";
import { define, qemuDomain } from "../peers/libvirt-domains.ts";

test("a hypervisor is removed with a console open: that it ends was said before, and it does", {
  skip: lackingBrowser || lackingLibvirt,
}, async () => {
  await using libvirt = await startLibvirt();
  await using porthole = await startPorthole();
  await using browser = await startBrowser();
  const { api } = porthole;
  const uuid = randomUUID();
  await define(libvirt, qemuDomain(uuid, "<graphics type='vnc' autoport='yes' listen='127.0.0.1'/>", "web"));
  await libvirt.virsh("start", uuid);
  await api.call("POST", "hypervisors", {
    ...{ name: "host7", platform: "libvirt", address: qemuAt(libvirt), rules: INTO_DEFAULT },
  });
  const machine = await eventually(async () => {
    const found = (await api.machines()).find(({ address }) => address === uuid);
    assert.ok(found?.power === "running");
    return found;
  });
  const { sessionId, url } = await api.openConsole(machine.id);
  const viewer = await browser.open();
  await viewer.goto(url);
  await untilLive(viewer);
  await eventually(async () => assert.equal((await api.session(sessionId)).state, "active"));
  const page = await browser.open();
  await page.goto((await api.call<SignInLink>("POST", "me/sign-in-link")).url);
  await page.locator("nav a[href='#hypervisors']").click();

  await page.getByRole("button", { name: "Remove host7" }).click();

  const dialog = page.getByRole("dialog", { name: "Remove host7?" });
  await dialog.getByText("Porthole forgets its machine.").waitFor();
  await dialog.getByText("1 console of them is open now, and ends.").waitFor();
  await dialog.getByRole("button", { name: "Remove" }).click();
  const words = await endingWords(viewer);
  assert.ok(words.includes(ERRORS.machine_gone.meaning), words);
  assert.equal((await libvirt.virsh("domstate", uuid)).trim(), "running", "the machine itself runs on");
});
