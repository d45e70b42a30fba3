import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import type { Machine } from "#wire/api.ts";
import { ERRORS } from "#wire/errors.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { tabTo, untilKeyboard } from "../harness/focus.ts";
import { startHeldUpstream } from "../harness/held-upstream.ts";
import { type Porthole, startPorthole } from "../harness/porthole.ts";
import { endingWords, untilLive } from "../harness/stage.ts";

describe("the keyboard and the menus of a console", { skip: lackingBrowser }, () => {
  let porthole: Porthole;
  let browser: TestBrowser;
  before(async () => {
    [porthole, browser] = await Promise.all([startPorthole(), startBrowser()]);
  });
  after(async () => {
    await browser?.[Symbol.asyncDispose]();
    await porthole?.[Symbol.asyncDispose]();
  });

  async function demo(): Promise<Machine & { readonly address: string }> {
    const [machine] = await porthole.api.machines();
    assert.ok(machine?.address !== undefined);
    return { ...machine, address: machine.address };
  }

  const menu = (page: Page, name: string) => page.getByRole("button", { name, exact: true });

  test("who has opened one while the console is still to come keeps the keyboard, and gives it away by closing that", async () => {
    const { hostname: host, port } = new URL(`tcp://${(await demo()).address}`);
    await using held = await startHeldUpstream({ host, port: Number(port) });
    assert.equal(held.upstream.address.kind, "tcp");
    const { id } = await porthole.api.addMachine({
      ...{ name: "slow", protocol: "rfb" },
      address: `${held.upstream.address.host}:${held.upstream.address.port}`,
    });
    const page = await browser.open();
    await page.goto((await porthole.api.openConsole(id)).url);
    await held.caller();
    await tabTo(page, menu(page, "View"));
    await page.keyboard.press("Enter");
    const colours = page.getByRole("radio", { name: "System", exact: true });
    await tabTo(page, colours);
    assert.equal(await page.locator("[data-phase=connecting]").count(), 1, "it has not come yet");

    held.release();
    await page.locator("[data-phase=live]").waitFor();

    await untilKeyboard(colours);
    await page.keyboard.press("Escape");
    await untilLive(page);
  });

  test("one that was open as a console ended is in nobody's way when it is opened again", async () => {
    const { id } = await demo();
    const { url, sessionId } = await porthole.api.openConsole(id);
    const page = await browser.open();
    await page.goto(url);
    await untilLive(page);
    await page.keyboard.press("Control+Alt+Shift+KeyM");
    await menu(page, "Keys").click();
    await page.getByRole("dialog", { name: "Keys" }).waitFor();

    await porthole.api.call("POST", `sessions/${sessionId}/end`);
    assert.match(await endingWords(page), new RegExp(ERRORS.session_ended.meaning));
    await page.getByRole("button", { name: "Open again" }).click();

    await untilLive(page);
    const bar = page.locator(".bar");
    await page.mouse.move(300, 300);
    await eventually(async () =>
      assert.equal(await bar.evaluate((element) => element.matches("[inert]")), true),
    );
  });
});
