import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ERRORS } from "#wire/errors.ts";
import { lackingBrowser } from "../harness/browser.ts";
import { createConsoleEndpoint } from "../harness/cloudstack.ts";
import { eventually } from "../harness/eventually.ts";
import { typeKeys } from "../harness/keyboard.ts";
import { consolePicture, differingPixels } from "../harness/picture.ts";
import { endingWords, type Stage, startStage, untilLive } from "../harness/stage.ts";
import { lackingGuest } from "../peers/qemu.ts";

/** The blinking cursor is a few dozen pixels; a line of text is hundreds. */
const LINE_OF_TEXT_PIXELS = 300;

describe("a console, from a signed call to a command's output", {
  skip: lackingBrowser || lackingGuest,
}, () => {
  let stage: Stage<"screen">;
  let machine: string;
  before(async () => {
    stage = await startStage({ screen: {} });
    machine = await stage.machine("screen", { name: "first light" });
  });
  after(async () => await stage[Symbol.asyncDispose]());

  async function consoleUrl(): Promise<string> {
    return (await createConsoleEndpoint(stage.porthole, machine)).url;
  }

  test("the picture is there, a typed command runs in the guest, and the picture shows it", async () => {
    const page = await stage.browser.open();
    await page.goto(await consoleUrl());
    await untilLive(page);
    const picture = await consolePicture(page);

    await typeKeys(page, "echo light-$((6*7)) | tee /dev/ttyS0\n");

    await eventually(() => assert.match(stage.guest.serial(), /light-42/));
    await eventually(async () => {
      const pixels = differingPixels(picture, await consolePicture(page));
      assert.ok(pixels > LINE_OF_TEXT_PIXELS, `${pixels} pixels changed`);
    });
    assert.equal(await page.title(), "first light");
  });

  test("the pointer reaches the guest where it is in the picture", async () => {
    const page = await stage.browser.open();
    await page.goto(await consoleUrl());
    await untilLive(page);
    await eventually(() => assert.match(stage.guest.pointer(), /POINTER-READY/));
    const box = await page.locator("canvas").first().boundingBox();
    assert.ok(box !== null);

    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);

    // linux/input-event-codes.h: EV_ABS (3) of ABS_X (0), in the middle of 0 to 32767; EV_KEY (1) of BTN_LEFT (272).
    await eventually(() => {
      const middles = [...stage.guest.pointer().matchAll(/EVENT 3 0 (\d+)/g)].map(([, x]) => Number(x));
      assert.ok(
        middles.some((x) => Math.abs(x - 16_384) < 200),
        `x was ${middles.join(", ")}`,
      );
      assert.match(stage.guest.pointer(), /EVENT 1 272 1[\s\S]*EVENT 1 272 0/);
    });
  });

  test("opening the page without JavaScript burns no ticket", async () => {
    const url = await consoleUrl();
    const visit = await fetch(url);
    assert.equal(visit.status, 200);

    const page = await stage.browser.open();
    await page.goto(url);

    await untilLive(page);
  });

  test("the second use of the same URL says that it is used", async () => {
    const url = await consoleUrl();
    const first = await stage.browser.open();
    await first.goto(url);
    await untilLive(first);

    const second = await stage.browser.open();
    await second.goto(url);

    assert.match(await endingWords(second), new RegExp(ERRORS.ticket_used.meaning));
    assert.equal(await first.locator("[data-phase=live]").count(), 1, "who was there first goes on");
  });

  test("the address bar loses the ticket at once, and what the history keeps opens nothing", async () => {
    const url = await consoleUrl();
    const page = await stage.browser.open();
    await page.goto("about:blank");
    await page.goto(url);
    await untilLive(page);
    const { href } = await page.evaluate<{ href: string }>("({ href: location.href })");
    assert.equal(href, url.slice(0, url.indexOf("#")), "no fragment is left");

    await page.goto("about:blank");
    await page.goBack();

    assert.match(await endingWords(page), new RegExp(ERRORS.ticket_used.meaning));
  });

  test("a reloaded page says that the link is used, and its button opens the console again", async () => {
    const page = await stage.browser.open();
    await page.goto(await consoleUrl());
    await untilLive(page);

    await page.reload();
    const words = await endingWords(page);
    await page.getByRole("button", { name: "Open again" }).click();

    assert.match(words, new RegExp(ERRORS.ticket_used.meaning));
    await untilLive(page);
    await typeKeys(page, "echo again > /dev/ttyS0\n");
    await eventually(() => assert.match(stage.guest.serial(), /again/));
  });

  test("another link in the same tab opens the console that it is for", async () => {
    const page = await stage.browser.open();
    await page.goto(await consoleUrl());
    await untilLive(page);
    const { sessionId, url } = await stage.porthole.api.openConsole(machine);

    await page.goto(url);

    await eventually(async () => assert.equal((await stage.porthole.api.session(sessionId)).state, "active"));
    await untilLive(page);
    assert.equal(await page.evaluate("location.hash"), "");

    await page.evaluate("location.hash = 'nothing'");

    await eventually(async () => assert.equal(await page.evaluate("location.hash"), ""));
    assert.equal(await page.locator("[data-phase=live]").count(), 1, "a hash that is no link ends nothing");
  });

  test("a link that was tampered with says so, and offers nothing to try again", async () => {
    const url = await consoleUrl();
    const page = await stage.browser.open();

    await page.goto(url.replace(/.{6}$/, "AAAAAA"));

    assert.match(await endingWords(page), new RegExp(ERRORS.ticket_invalid.meaning));
    assert.equal(await page.getByRole("button", { name: "Open again" }).count(), 0);
  });

  test("the session's row says what became of it", async () => {
    const { sessionId, url } = await stage.porthole.api.openConsole(machine);
    const page = await stage.browser.open();
    await page.goto(url);
    await untilLive(page);
    await eventually(async () => assert.equal((await stage.porthole.api.session(sessionId)).state, "active"));

    await page.getByRole("button", { name: "End the session" }).click();

    await eventually(async () => {
      const { state, ending, bytesToViewer } = await stage.porthole.api.session(sessionId);
      assert.deepEqual([state, ending?.kind, ending?.code], ["ended", "closed", "viewer_closed"]);
      assert.ok(bytesToViewer > 1000);
    });
    assert.match(await endingWords(page), new RegExp(ERRORS.viewer_closed.meaning));
  });
});
