import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import type { Machine } from "#wire/api.ts";
import { ERRORS } from "#wire/errors.ts";
import { outOfReach, SIZES, sideways, THEMES } from "../harness/appearance.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { untilKeyboard } from "../harness/focus.ts";
import { type Porthole, startPorthole } from "../harness/porthole.ts";
import { endingWords, untilLive } from "../harness/stage.ts";
import { INTO_DEFAULT, qemuAt } from "../peers/hypervisor-stage.ts";
import { type Libvirt, lackingLibvirt, startLibvirt } from "../peers/libvirt.ts";
import { define, qemuDomain } from "../peers/libvirt-domains.ts";

const VNC = "<graphics type='vnc' autoport='yes' listen='127.0.0.1'/>";

describe("the power of a machine of libvirt's, in its console", {
  skip: lackingBrowser || lackingLibvirt,
}, () => {
  let libvirt: Libvirt;
  let porthole: Porthole;
  let browser: TestBrowser;
  const uuid = randomUUID();
  before(async () => {
    [libvirt, porthole, browser] = await Promise.all([startLibvirt(), startPorthole(), startBrowser()]);
    await define(libvirt, qemuDomain(uuid, VNC, "web"));
    await libvirt.virsh("start", uuid);
    await porthole.api.call("POST", "hypervisors", {
      ...{ name: "host7", platform: "libvirt", address: qemuAt(libvirt), rules: INTO_DEFAULT },
    });
  });
  after(async () => {
    await browser?.[Symbol.asyncDispose]();
    await porthole?.[Symbol.asyncDispose]();
    await libvirt?.[Symbol.asyncDispose]();
  });

  async function machine(): Promise<Machine> {
    return await eventually(async () => {
      const found = (await porthole.api.machines()).find(({ address }) => address === uuid);
      assert.ok(found?.power === "running");
      return found;
    });
  }

  /** A live console, with its bar. */
  async function opened(options: Parameters<TestBrowser["open"]>[0] = {}): Promise<Page> {
    const { url } = await porthole.api.openConsole((await machine()).id);
    const page = await browser.open(options);
    await page.goto(url);
    await untilLive(page);
    await page.keyboard.press("Control+Alt+Shift+M");
    return page;
  }

  const powerOf = async () => (await libvirt.virsh("domstate", uuid)).trim();

  test("is asked to shut down at once, and what that is worth is said", async () => {
    const page = await opened();
    await page.getByRole("button", { name: "Power" }).click();
    const panel = page.getByRole("dialog", { name: "Power" });
    assert.equal(await panel.getByRole("button", { name: "Start", exact: true }).count(), 0, "it runs");

    await panel.getByRole("button", { name: "Shut down" }).click();

    await panel.getByRole("status").getByText("It was asked to shut down.").waitFor();
    await untilKeyboard(panel.getByRole("button", { name: "Close" }));
    assert.equal(await powerOf(), "running", "a BIOS does not heed it");
    await page.getByRole("button", { name: "Close" }).click();
    await page.locator("canvas:focus").waitFor();
  });

  test("is cut when that was asked once more, and the console's ending says that the machine does not run", async () => {
    const page = await opened();
    await page.getByRole("button", { name: "Power" }).click();
    const panel = page.getByRole("dialog", { name: "Power" });

    await panel.getByRole("button", { name: "Cut the power" }).click();

    await panel.getByText("Cut the power of web?").waitFor();
    await panel.getByText("What it has not written to its disks is lost.").waitFor();
    // What may lose something is not where the keyboard is.
    await untilKeyboard(panel.getByRole("button", { name: "Cancel" }));
    assert.equal(await powerOf(), "running");
    await panel.getByRole("button", { name: "Cut the power" }).click();
    const words = await endingWords(page);
    assert.ok(words.includes(ERRORS.machine_not_running.meaning), words);
    assert.ok(words.includes(ERRORS.machine_not_running.remedy), words);
    await eventually(async () => assert.equal(await powerOf(), "shut off"));
    await libvirt.virsh("start", uuid);
  });

  for (const [size, options] of Object.entries(SIZES)) {
    for (const colorScheme of THEMES) {
      test(`fits ${size}, ${colorScheme}, in both languages`, async () => {
        for (const locale of ["en-GB", "de-DE"]) {
          const page = await opened({ ...options, colorScheme, locale });
          await page.locator("[popovertarget=power]").first().click();

          await assertFits(page);
          await page.locator("#power .button.danger").first().click();
          await page.locator("#power strong").waitFor();
          await assertFits(page);
          await page.close();
        }
      });
    }
  }

  // The last one: control goes back to a hypervisor that was away in its own time.
  test("what its hypervisor refuses is told in the panel, and the console stays", async () => {
    const page = await opened();
    await page.getByRole("button", { name: "Power" }).click();
    const panel = page.getByRole("dialog", { name: "Power" });
    await libvirt.leave();

    await panel.getByRole("button", { name: "Restart" }).click();

    await panel.getByRole("status").getByText(ERRORS.hypervisor_unreachable.meaning).waitFor();
    assert.equal(await page.locator("[data-phase=live]").count(), 1);
    await libvirt.comeBack();
    await page.close();
  });
});

async function assertFits(page: Page): Promise<void> {
  await page.locator("#power:popover-open").waitFor();
  assert.deepEqual(await sideways(page), [], "nothing stands out sideways");
  assert.deepEqual(await outOfReach(page), [], "every control is on the page, named, and large enough");
}
