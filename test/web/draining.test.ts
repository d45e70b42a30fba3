import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { pino } from "pino";
import type { Page } from "playwright-core";
import { type DemoServer, startDemo } from "#demo/server.ts";
import type { Node as ListedNode } from "#wire/api.ts";
import { outOfReach, SIZES, sideways, THEMES } from "../harness/appearance.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK } from "../harness/free-port.ts";
import { type Control, type Node, startControl, startNode } from "../harness/porthole.ts";
import { untilLive } from "../harness/stage.ts";

const MINUTE_SECONDS = 60;

describe("a viewer whose node drains", { skip: lackingBrowser }, () => {
  let control: Control;
  let node: Node;
  let demo: DemoServer;
  let browser: TestBrowser;
  let machineId: string;
  before(async () => {
    [control, browser, demo] = await Promise.all([
      startControl(),
      startBrowser(),
      startDemo({ listen: { host: LOOPBACK, port: 0 }, log: pino({ level: "silent" }) }),
    ]);
    node = await startNode(control);
    const name = "A machine with a name that is rather long";
    machineId = (await control.api.addMachine({ name, protocol: "rfb", address: demo.address })).id;
  });
  after(async () => {
    await browser[Symbol.asyncDispose]();
    await node[Symbol.asyncDispose]();
    await control[Symbol.asyncDispose]();
    await demo[Symbol.asyncDispose]();
  });

  async function open(page: Page): Promise<string> {
    const { sessionId, url } = await control.api.openConsole(machineId);
    await page.goto(url);
    await untilLive(page);
    return sessionId;
  }

  afterEach(async () => void (await say("start")));

  const say = async (what: string, options?: object) =>
    await control.api.call<ListedNode>("POST", `nodes/${node.id}/${what}`, options);

  for (const [size, options] of Object.entries(SIZES)) {
    for (const colorScheme of THEMES) {
      test(`is told what comes, in place, on ${size}, ${colorScheme}`, async () => {
        const page = await browser.open({ ...options, colorScheme });
        await open(page);
        const notice = page.locator(".strip.notice");

        await say("stop", { warn: true, deadlineSeconds: 10 * MINUTE_SECONDS });
        await notice.getByText(/taken out of service.*will be ended at .*\d\d:\d\d and/).waitFor();
        assert.deepEqual([await sideways(page), await outOfReach(page)], [[], []]);
        await say("restart", { warn: true });
        await notice.getByText(/restarted.*may stay until you end it/).waitFor();
        assert.ok(await isInside(page, ".strip.notice"));
        await say("start");
        await notice.waitFor({ state: "detached" });
        await page.close();
      });
    }
  }

  test("hears of it, keeps the keyboard, and has it again when it says later", async () => {
    const page = await browser.open();
    await open(page);

    await say("stop", { warn: true, deadlineSeconds: 10 * MINUTE_SECONDS });
    await page
      .getByRole("status")
      .getByText(/taken out of service/)
      .waitFor({ state: "attached" });
    assert.equal(await page.locator("canvas:focus").count(), 1);
    await page.getByRole("button", { name: "Later" }).click();
    await page.locator(".strip.notice").waitFor({ state: "detached" });

    await page.locator("canvas:focus").waitFor();
    assert.equal(await page.locator("[data-phase=live]").count(), 1);
    await page.close();
  });

  test("moves to another node when it says so, and is told nothing there", async () => {
    await using second = await startNode(control);
    const page = await browser.open();
    const first = await open(page);
    await say("stop", { warn: true });

    await page.getByRole("button", { name: "Move now" }).click();

    await eventually(async () => {
      const { items } = await control.api.call<{
        items: { readonly id: string; readonly nodeId: string; readonly state: string }[];
      }>("GET", "sessions?state=active");
      const there = items.filter(({ nodeId }) => nodeId === second.id);
      assert.equal(there.length, 1);
      assert.ok(!items.some(({ id }) => id === first));
    });
    await untilLive(page);
    assert.equal(await page.locator(".strip.notice").count(), 0);
    await page.close();
  });
});

/** Whether it is wholly to be seen. */
async function isInside(page: Page, selector: string): Promise<boolean> {
  const box = await page.locator(selector).boundingBox();
  const { width, height } = page.viewportSize() ?? { width: 0, height: 0 };
  return (
    box !== null && box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height
  );
}
