import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Locator, Page } from "playwright-core";
import type { SignInLink } from "#wire/api.ts";
import { outOfReach, SIZES, sideways, THEMES } from "../harness/appearance.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { type Porthole, startPorthole } from "../harness/porthole.ts";
import { endingWords, NOVNC_REFUSED, untilLive } from "../harness/stage.ts";
import { HOUR_MS, testCertificate } from "../harness/test-certificates.ts";

/** Sizes of which a page learns by its window alone: one with touch loads as another. */
const ALIKE = [["a phone"], ["a desk", "a tablet"]] as const;

/** Nothing listens there: port 9 is that of “discard”, which nobody runs. */
const DEAD = "127.0.0.1:9";

describe("every page", { skip: lackingBrowser }, () => {
  let porthole: Porthole;
  let browser: TestBrowser;
  before(async () => {
    [porthole, browser] = await Promise.all([startPorthole(), startBrowser()]);
    const names = ["one", "two", "three", "four"].map(
      (each) => `${each}.of-a-company-with-a-long-name.example`,
    );
    const { pem, keyPem } = await testCertificate({
      names: [...names, "127.0.0.1"],
      notAfter: Date.now() + 100 * HOUR_MS,
    });
    await porthole.api.call("POST", "certificates", { certificate: pem, privateKey: keyPem });
  });
  after(async () => {
    await browser[Symbol.asyncDispose]();
    await porthole[Symbol.asyncDispose]();
  });

  const pages: Record<string, (page: Page) => Promise<void>> = {
    "the console": async (page) => {
      await page.goto(await consoleUrl());
      await untilLive(page);
      // The bar folds away over a live picture; what brings it back is a button as well.
      await page.keyboard.press("Control+Alt+Shift+M");
      await page.getByRole("button", { name: "Keys" }).waitFor();
    },
    "a console that is over": async (page) => {
      await page.goto((await consoleUrl()).replace(/.{6}$/, "AAAAAA"));
      await endingWords(page);
    },
    "the machine list": async (page) => {
      const { url }: SignInLink = await porthole.api.call("POST", "me/sign-in-link");
      await page.goto(url);
      await page
        .getByRole("link", { name: /Open the console of/ })
        .first()
        .waitFor();
    },
    "the certificates": async (page) => await toCertificates(page),
    "a certificate that was refused": async (page) => {
      await toCertificates(page);
      await page.getByRole("button", { name: "Upload a certificate" }).click();
      await page.getByLabel("Certificate", { exact: true }).fill("-----BEGIN NOTHING");
      await page.getByRole("button", { name: "Upload", exact: true }).click();
      await page.getByText("The private key is missing.").waitFor();
    },
    "the self-check": async (page) => {
      const { url }: SignInLink = await porthole.api.call("POST", "me/sign-in-link");
      await page.goto(url);
      await page.locator("nav a[href='#doctor']").click();
      await page.locator("button.check-again:enabled").waitFor();
    },
    "the page of who is not signed in": async (page) => {
      await page.goto(porthole.control);
      await page.getByRole("heading", { name: "Sign in" }).waitFor();
    },
  };

  async function toCertificates(page: Page): Promise<void> {
    const { url }: SignInLink = await porthole.api.call("POST", "me/sign-in-link");
    await page.goto(url);
    await page.getByRole("link", { name: "Certificates" }).first().click();
    await page.getByRole("button", { name: /^Remove the certificate of/ }).waitFor();
  }

  async function consoleUrl(): Promise<string> {
    const [machine] = porthole.machines;
    return (await porthole.api.openConsole(machine?.id ?? "")).url;
  }

  for (const [name, visit] of Object.entries(pages)) {
    for (const sizes of ALIKE) {
      test(`${name} fits ${sizes.join(" and ")}, light and dark`, async () => {
        // A page is visited once, and then given other windows and colours: that is all that the two differ by.
        const [first] = sizes;
        await using page = await browser.open({ ...SIZES[first], expected: /40[01]/ });

        await visit(page);

        for (const size of sizes) {
          await page.setViewportSize(SIZES[size].viewport);
          assert.deepEqual(await sideways(page), [], `nothing stands out sideways on ${size}`);
          assert.deepEqual(
            await outOfReach(page),
            [],
            `every control is on the page of ${size}, named, and large enough`,
          );
        }
        for (const colorScheme of THEMES) {
          await page.emulateMedia({ colorScheme });
          await assertTheme(page, colorScheme);
        }
      });
    }
  }

  for (const [size, options] of Object.entries(SIZES)) {
    test(`what the lists let people do is said in words on ${size}, without a pointer to ask with`, async () => {
      const { id } = await porthole.api.addMachine({ name: `dead ${size}`, protocol: "rfb", address: DEAD });
      await using page = await browser.open({ ...options, expected: NOVNC_REFUSED });
      await page.goto((await porthole.api.openConsole(id)).url);
      await endingWords(page);
      const { url }: SignInLink = await porthole.api.call("POST", "me/sign-in-link");
      await page.goto(url);

      const link = page.getByRole("link", { name: `Open the console of dead ${size}` });
      assert.ok(await isSeen(link.getByText("Open")));
      await page.getByRole("link", { name: "Sessions" }).click();
      const reference = page.getByRole("button", { name: "Copy" }).filter({ visible: true }).first();
      // A desk has a pointer, and a column that says what it is.
      assert.equal(await isSeen(reference.getByText("Copy", { exact: true })), size !== "a desk");
      assert.equal(await reference.getAttribute("title"), "Copy");
      assert.deepEqual(await sideways(page), []);
    });
  }

  test("the console's controls are all reached by keyboard alone", async () => {
    await using page = await browser.open();
    await page.goto(await consoleUrl());
    await untilLive(page);
    await page.keyboard.press("Control+Alt+Shift+M");
    const controls = page.getByRole("region", { name: "Console controls" }).getByRole("button");
    const wanted = await Promise.all((await controls.all()).map(async (control) => await labelOf(control)));
    const reached = new Set<string>();

    for (let step = 0; step < wanted.length + 2; step++) {
      reached.add(await labelOf(page.locator(":focus")));
      await page.keyboard.press("Tab");
    }

    assert.ok(wanted.length > 3);
    assert.deepEqual(
      wanted.filter((label) => !reached.has(label)),
      [],
      `reached were ${[...reached].join(", ")}`,
    );
  });
});

/** Words that only screen readers get are there as well, on one pixel. */
async function isSeen(text: Locator): Promise<boolean> {
  return ((await text.boundingBox())?.width ?? 0) > 1;
}

/** Without what changes by itself: "Connection: Good". */
async function labelOf(control: Locator): Promise<string> {
  return ((await control.getAttribute("aria-label")) ?? "").replace(/:.*/, "");
}

/** The page's background is dark in the dark theme, and text stands out from it (WCAG 2.2, 1.4.3: AA). */
async function assertTheme(page: Page, theme: (typeof THEMES)[number]): Promise<void> {
  const [text, background] = await page.evaluate<[string, string]>(`(() => {
    const { color, backgroundColor } = getComputedStyle(document.documentElement);
    return [color, backgroundColor];
  })()`);
  const contrast = (luminance(text) + 0.05) / (luminance(background) + 0.05);
  assert.ok(contrast > 1 ? theme === "dark" : theme === "light", `${text} on ${background} is not ${theme}`);
  assert.ok(Math.max(contrast, 1 / contrast) >= 4.5, `${text} on ${background}`);
}

/** WCAG 2.2, relative luminance, of an opaque "rgb(r, g, b)". */
function luminance(colour: string): number {
  const channels = /^rgb\((\d+), (\d+), (\d+)\)$/.exec(colour)?.slice(1);
  assert.ok(channels !== undefined, `${colour} is an opaque colour`);
  const [red = 0, green = 0, blue = 0] = channels
    .map((channel) => Number(channel) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
