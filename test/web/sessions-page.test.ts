import assert from "node:assert/strict";
import { test } from "node:test";
import type { SignInLink } from "#wire/api.ts";
import { outOfReach, SIZES, sideways, THEMES } from "../harness/appearance.ts";
import { lackingBrowser, startBrowser } from "../harness/browser.ts";
import { startPorthole } from "../harness/porthole.ts";
import { TestViewer } from "../harness/test-viewer.ts";

test("a session that found no way to its console says at which step, at every size", {
  skip: lackingBrowser,
}, async () => {
  await using porthole = await startPorthole();
  await using browser = await startBrowser();
  const { id } = await porthole.api.addMachine({
    ...{ name: "lost", protocol: "rfb", address: "no-such-host.invalid:5900" },
  });
  const { url, websocket } = await porthole.api.openConsole(id);
  await using viewer = await TestViewer.bare(new URL(url).origin, websocket.token);
  await assert.rejects(viewer.handshake());

  for (const options of Object.values(SIZES))
    for (const colorScheme of THEMES)
      for (const { locale, said } of [
        { locale: "en-GB", said: "It failed as the name was looked up." },
        { locale: "de-DE", said: "Es scheiterte, als der Name aufgelöst wurde." },
      ]) {
        const page = await browser.open({ ...options, colorScheme, locale });
        const link: SignInLink = await porthole.api.call("POST", "me/sign-in-link");
        await page.goto(link.url);
        await page.locator("nav a[href='#sessions']").click();

        await page.getByText(said).filter({ visible: true }).first().waitFor();
        assert.deepEqual([await sideways(page), await outOfReach(page)], [[], []]);
        await page.close();
      }
});
