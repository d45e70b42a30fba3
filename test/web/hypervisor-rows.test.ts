import assert from "node:assert/strict";
import { test } from "node:test";
import type { SignInLink } from "#wire/api.ts";
import { outOfReach, sideways } from "../harness/appearance.ts";
import { lackingBrowser, startBrowser } from "../harness/browser.ts";
import { startControl } from "../harness/porthole.ts";

test("of a hypervisor with a long address and a long reason everything is on the page, and what was tried is said", {
  skip: lackingBrowser,
}, async () => {
  await using control = await startControl();
  await using browser = await startBrowser();
  const hosts = ["pve-1", "pve-2"].map((host) => `${host}.a-data-centre-with-a-long-name.invalid:8006`);
  await control.api.call("POST", "hypervisors", {
    ...{ name: "gone", platform: "proxmox", address: `https://${hosts.join()}` },
    credentials: { username: "porthole@pve!console", secret: "11111111-1111-1111-1111-111111111111" },
    rules: [{ name: "*", project: "default" }],
  });

  for (const width of [1280, 1024, 360])
    for (const { locale, all } of [
      { locale: "en-GB", all: "All machines → default" },
      { locale: "de-DE", all: "Alle Maschinen → default" },
    ]) {
      const page = await browser.open({ viewport: { width, height: 800 }, locale });
      const link: SignInLink = await control.api.call("POST", "me/sign-in-link");
      await page.goto(link.url);
      await page.locator("nav a[href='#hypervisors']").click();
      const reason = page.locator(".said").first();
      await reason.waitFor();

      assert.deepEqual([await sideways(page), await outOfReach(page)], [[], []], `${width} ${locale}`);
      if (width >= 1024) {
        const { width: wide = 0 } = (await reason.boundingBox()) ?? {};
        assert.ok(wide > 150, `the reason has ${wide} pixels of ${width}`);
        await page.getByText(all, { exact: true }).waitFor();
      }
      await page.close();
    }
});
