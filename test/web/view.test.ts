import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { ERRORS } from "#wire/errors.ts";
import { lackingBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { endingWords, type Stage, startStage, untilLive } from "../harness/stage.ts";
import { lackingGuest } from "../peers/qemu.ts";

interface Box {
  readonly width: number;
  readonly height: number;
}

describe("how a console is looked at, and its special keys", { skip: lackingBrowser || lackingGuest }, () => {
  let stage: Stage<"screen">;
  let machine: string;
  before(async () => {
    stage = await startStage({ screen: {} });
    machine = await stage.machine("screen");
  });
  after(async () => await stage[Symbol.asyncDispose]());

  async function openConsole(viewport: Box = { width: 1280, height: 800 }): Promise<Page> {
    const page = await stage.browser.open({ viewport });
    await page.goto((await stage.porthole.api.openConsole(machine)).url);
    await untilLive(page);
    return page;
  }

  /** The bar folds away by itself; its handle is how it comes back. */
  async function openMenu(page: Page, name: string): Promise<void> {
    const handle = page.getByRole("button", { name: "Show the controls" });
    if (await handle.isVisible()) await handle.click();
    await page.getByRole("button", { name, exact: true }).click();
  }

  async function shown(page: Page): Promise<Box> {
    return await page.locator(".novnc canvas").evaluate((canvas) => canvas.getBoundingClientRect().toJSON());
  }

  async function ofMachine(page: Page): Promise<Box> {
    return await page.evaluate(
      "(({ width, height }) => ({ width, height }))(document.querySelector('.novnc canvas'))",
    );
  }

  test("the picture fits the page, and grows and shrinks with it", async () => {
    const page = await openConsole();
    const { width, height } = await ofMachine(page);

    for (const viewport of [
      { width: 1280, height: 800 },
      { width: 390, height: 844 },
      { width: 800, height: 300 },
    ]) {
      await page.setViewportSize(viewport);

      const scale = Math.min(viewport.width / width, viewport.height / height);
      await eventually(async () => {
        const box = await shown(page);
        assert.ok(Math.abs(box.width - width * scale) < 2, `${box.width} of ${width * scale}`);
        assert.ok(Math.abs(box.height - height * scale) < 2, `${box.height} of ${height * scale}`);
      });
    }
  });

  test("at 1:1 each pixel of the machine is one of the page, and the choice is remembered", async () => {
    const page = await openConsole();

    await openMenu(page, "View");
    await page.getByText("1:1", { exact: true }).click();

    await eventually(async () => assert.deepEqual(sizeOf(await shown(page)), await ofMachine(page)));
    const another = await page.context().newPage();
    await another.goto((await stage.porthole.api.openConsole(machine)).url);
    await untilLive(another);
    await eventually(async () => assert.deepEqual(sizeOf(await shown(another)), await ofMachine(another)));
  });

  test("a panel has the height that there is, and one that is cut off shows it", async () => {
    const heights = async (page: Page) =>
      await page.evaluate<[number, number, number]>(`(() => {
        const { clientHeight, scrollHeight } = document.getElementById("keys");
        return [clientHeight, scrollHeight, document.getElementById("keys").getBoundingClientRect().bottom];
      })()`);
    const page = await openConsole();
    await openMenu(page, "Keys");
    for (const height of [800, 600]) {
      await page.setViewportSize({ width: 1280, height });

      const [seen, all] = await heights(page);
      assert.equal(seen, all, `all of it is seen at ${height}`);
    }
    await page.setViewportSize({ width: 1280, height: 300 });

    const [seen, all, bottom] = await heights(page);
    assert.ok(seen < all && bottom <= 300, `${seen} of ${all} are seen, down to ${bottom}`);
    assert.match(
      await page.evaluate<string>("getComputedStyle(document.getElementById('keys')).backgroundAttachment"),
      /local, local, scroll, scroll/,
    );
  });

  test("the page fills the screen and leaves it again", async () => {
    const page = await openConsole();
    const isFull = () => page.evaluate("document.fullscreenElement !== null");

    await openMenu(page, "View");
    await page.getByRole("button", { name: "Full screen" }).click();
    await eventually(async () => assert.equal(await isFull(), true));

    await openMenu(page, "View");
    await page.getByRole("button", { name: "Leave full screen" }).click();
    await eventually(async () => assert.equal(await isFull(), false));
  });

  test("the bar leaves the whole picture to be seen, and comes back by its shortcut", async () => {
    const page = await openConsole();
    const isAway = () => page.locator(".bar").evaluate((bar) => bar.matches("[inert]"));

    await eventually(async () => assert.equal(await isAway(), true));
    await page.keyboard.press("Control+Alt+Shift+KeyM");

    await eventually(async () => assert.equal(await isAway(), false));
  });

  // Last: the guest's kernel restarts at once, and QEMU was told to end with it.
  test("Ctrl+Alt+Del restarts the machine", async () => {
    const page = await openConsole();

    await openMenu(page, "Keys");
    await page.getByRole("button", { name: "Ctrl+Alt+Del" }).click();

    const said = await endingWords(page);
    const meanings = [ERRORS.upstream_closed.meaning, ERRORS.upstream_lost.meaning];
    assert.ok(
      meanings.some((meaning) => said.includes(meaning)),
      said,
    );
  });
});

function sizeOf({ width, height }: Box): Box {
  return { width: Math.round(width), height: Math.round(height) };
}
