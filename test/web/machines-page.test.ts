import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import type { Machine, Page as PageOf, SignInLink } from "#wire/api.ts";
import { outOfReach, sideways } from "../harness/appearance.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { type Porthole, startPorthole } from "../harness/porthole.ts";
import { qemuAt } from "../peers/hypervisor-stage.ts";
import { type Libvirt, lackingLibvirt, startLibvirt } from "../peers/libvirt.ts";
import { define, qemuDomain } from "../peers/libvirt-domains.ts";
import { lackingGuest, type QemuGuest, serialPort, startQemuGuest } from "../peers/qemu.ts";

describe("the list of machines", { skip: lackingBrowser || lackingLibvirt || lackingGuest }, () => {
  let porthole: Porthole;
  let browser: TestBrowser;
  let libvirt: Libvirt;
  let guest: QemuGuest<"screen">;
  before(async () => {
    [porthole, browser, libvirt, guest] = await Promise.all([
      startPorthole(),
      startBrowser(),
      startLibvirt(),
      startQemuGuest({ screen: {} }, { line: "telnet" }),
    ]);
    await porthole.api.addMachine({
      ...{ name: "two consoles", protocol: "rfb", address: `${guest.host}:${guest.ports.screen}` },
      serialAddress: `telnet://${guest.host}:${await serialPort(guest, "line")}`,
    });
    await porthole.api.addMachine({ name: "a screen", protocol: "rfb", address: "127.0.0.1:9" });
    await porthole.api.addMachine({ name: "a line", protocol: "serial", address: "127.0.0.1:9" });
    const uuid = randomUUID();
    await define(libvirt, qemuDomain(uuid, "<graphics type='vnc' autoport='yes'/>", "followed"));
    await libvirt.virsh("start", uuid);
    await porthole.api.call("POST", "hypervisors", {
      ...{ name: "host7", platform: "libvirt", address: qemuAt(libvirt) },
      rules: [{ name: "*", project: "default" }],
    });
    await eventually(async () => assert.equal((await followed())?.hypervisorState, "up"));
  });
  after(async () => {
    await browser?.[Symbol.asyncDispose]();
    await porthole?.[Symbol.asyncDispose]();
    await libvirt?.[Symbol.asyncDispose]();
    await guest?.[Symbol.asyncDispose]();
  });

  async function followed(): Promise<Machine | undefined> {
    const { items } = await porthole.api.call<PageOf<Machine>>("GET", "machines?name=followed");
    return items[0];
  }

  async function onPage(options: Parameters<TestBrowser["open"]>[0] = {}): Promise<Page> {
    const page = await browser.open(options);
    const link: SignInLink = await porthole.api.call("POST", "me/sign-in-link");
    await page.goto(link.url);
    await page.getByRole("row", { name: "two consoles" }).waitFor();
    return page;
  }

  test("leads to a machine's serial line beside its screen, and to none where there is none", async () => {
    const page = await onPage();

    const [opened] = await Promise.all([
      page.context().waitForEvent("page"),
      page.getByRole("link", { name: "Open the serial line of two consoles" }).click(),
    ]);

    await opened.locator("[data-phase=live]").waitFor();
    assert.match(new URL(opened.url()).pathname, /\/serial\.html$/);
    await page.getByRole("link", { name: "Open the console of two consoles" }).waitFor();
    for (const name of ["a screen", "a line"])
      assert.equal(await page.getByRole("row", { name }).getByRole("link").count(), 1);
  });

  test("has both on every page, in both languages", async () => {
    for (const width of [1280, 1024, 360])
      for (const locale of ["en-GB", "de-DE"]) {
        const page = await onPage({ viewport: { width, height: 800 }, locale });

        assert.deepEqual([await sideways(page), await outOfReach(page)], [[], []], `${width} ${locale}`);
        await page.close();
      }
  });

  test("says that a machine runs where that is known, and how it was last where nothing is heard any more", async () => {
    const page = await onPage();
    const row = page.getByRole("row", { name: "followed" });
    await row.getByText("Running", { exact: true }).waitFor();
    assert.equal(await row.locator(".state.good").count(), 1);
    const byHand = page.getByRole("row", { name: "a screen" });
    await byHand.getByText("Unknown", { exact: true }).waitFor();
    assert.equal(await byHand.locator(".state.good").count(), 0);

    await libvirt.leave();
    try {
      await eventually(async () => assert.equal((await followed())?.hypervisorState, "down"));
      await page.reload();
      await row.getByText("as last heard").waitFor();
      await row.getByText("Running", { exact: true }).waitFor();
      assert.equal(await row.locator(".state.good").count(), 0);
    } finally {
      // Its machines are ended by it.
      await libvirt.comeBack();
    }
  });
});
