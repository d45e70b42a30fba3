import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { lackingBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { typeKeys } from "../harness/keyboard.ts";
import {
  lackingStockNoVnc,
  STOCK_NOVNC_COMPLAINTS,
  startStockNoVnc,
  stockNoVncUrl,
} from "../harness/own-viewer.ts";
import { consolePicture, differingPixels } from "../harness/picture.ts";
import { type Stage, startStage, untilLive } from "../harness/stage.ts";
import { lackingGuest } from "../peers/qemu.ts";

describe("a view-only console", { skip: lackingBrowser || lackingGuest }, () => {
  let stage: Stage<"screen">;
  let machine: string;
  before(async () => {
    stage = await startStage({ screen: {} });
    machine = await stage.machine("screen");
    await eventually(() => assert.match(stage.guest.pointer(), /POINTER-READY/));
  });
  after(async () => await stage[Symbol.asyncDispose]());

  /** A console with every right: what it types arrives, and so would have what was typed before it. */
  async function assertOnlyThisArrives(unwanted: RegExp): Promise<void> {
    const page = await stage.browser.open();
    const { url } = await stage.porthole.api.openConsole(machine);
    await page.goto(url);
    await untilLive(page);
    const marker = `control-${stage.guest.serial().length}`;
    await typeKeys(page, `echo ${marker} > /dev/ttyS0\n`, stage.guest);
    await eventually(() => assert.ok(stage.guest.serial().includes(marker)));
    const box = await page.locator("canvas").first().boundingBox();
    assert.ok(box !== null);
    assert.doesNotMatch(stage.guest.serial(), unwanted);
    assert.doesNotMatch(stage.guest.pointer(), /EVENT/, "no pointer has moved yet");
  }

  async function typeAndClick(page: Page, command: string): Promise<void> {
    await page.locator("canvas").first().click();
    await page.locator("canvas").first().focus();
    await typeKeys(page, command);
  }

  test("says so, offers no keys, and changes nothing at the guest", async () => {
    const { url } = await stage.porthole.api.openConsole(machine, { viewOnly: true });
    const page = await stage.browser.open();
    await page.goto(url);
    await untilLive(page);

    await page.locator(".badge").getByText("View only", { exact: true }).waitFor();
    // With the bar away, too.
    await page.locator(".handle").getByText("View only", { exact: true }).waitFor();
    assert.equal(await page.getByRole("button", { name: "Keys" }).count(), 0);
    assert.equal(await page.getByRole("button", { name: "Clipboard and paste" }).count(), 0);
    await typeAndClick(page, "echo from-view-only > /dev/ttyS0\n");

    await assertOnlyThisArrives(/from-view-only/);
  });

  test("is enforced on the node: a viewer that knows nothing of it changes nothing either", {
    skip: lackingStockNoVnc,
  }, async () => {
    await using site = await startStockNoVnc();
    const { websocket } = await stage.porthole.api.openConsole(machine, { viewOnly: true });
    const page = await stage.browser.open({ expected: STOCK_NOVNC_COMPLAINTS });
    await page.goto(stockNoVncUrl(site, websocket));
    await page.getByText("Connected to").waitFor();

    await typeAndClick(page, "echo from-stock-novnc > /dev/ttyS0\n");
    await page.getByText("Send CtrlAltDel").click();

    await assertOnlyThisArrives(/from-stock-novnc/);
  });

  test("sees what others do", async () => {
    const [watching, acting] = [await stage.browser.open(), await stage.browser.open()];
    await watching.goto((await stage.porthole.api.openConsole(machine, { viewOnly: true })).url);
    await acting.goto((await stage.porthole.api.openConsole(machine)).url);
    await Promise.all([untilLive(watching), untilLive(acting)]);
    const picture = await consolePicture(watching);

    await typeKeys(acting, "ls -l /\n", stage.guest);

    await eventually(async () => {
      const pixels = differingPixels(picture, await consolePicture(watching));
      assert.ok(pixels > 1000, `${pixels} pixels changed`);
    });
  });
});
