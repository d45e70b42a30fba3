import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, describe, test } from "node:test";
import type { BrowserContextOptions, Page, WebSocket } from "playwright-core";
import { ERRORS } from "#wire/errors.ts";
import { DEFAULT_SIZE } from "#wire/serial.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { type Porthole, startPorthole } from "../harness/porthole.ts";
import { endingWords } from "../harness/stage.ts";
import { lackingGuest, type QemuGuest, serialPort, startQemuGuest } from "../peers/qemu.ts";

describe("a serial console in the browser", { skip: lackingBrowser || lackingGuest }, () => {
  let porthole: Porthole;
  let guest: QemuGuest<never>;
  let browser: TestBrowser;
  let machine: string;
  before(async () => {
    [porthole, guest, browser] = await Promise.all([
      startPorthole(),
      startQemuGuest({}, { line: true }),
      startBrowser(),
    ]);
    const address = `${guest.host}:${await serialPort(guest, "line")}`;
    machine = (await porthole.api.addMachine({ name: "serial guest", protocol: "serial", address })).id;
  });
  after(async () => {
    await browser?.[Symbol.asyncDispose]();
    await porthole?.[Symbol.asyncDispose]();
    await guest?.[Symbol.asyncDispose]();
  });

  const opened: Page[] = [];
  // Each test is to find nobody else at the line.
  afterEach(async () => {
    for (const page of opened.splice(0)) {
      await page.goto("about:blank");
      await page.close();
    }
  });

  async function open(
    options: BrowserContextOptions = {},
    connected: (socket: WebSocket) => void = () => {},
  ): Promise<Page> {
    const { url } = await porthole.api.openConsole(machine);
    const page = await browser.open(options);
    opened.push(page);
    page.on("websocket", connected);
    await page.goto(url);
    await page.locator("[data-phase=live]").waitFor();
    return page;
  }

  /** Presses with the mouse on the so-many-th character of the last line that reads so: rows let presses through. */
  async function clickOn(page: Page, line: string, character: number): Promise<void> {
    const box = await rows(page).locator("div", { hasText: line }).last().boundingBox();
    const { width = 0 } = (await rows(page).boundingBox()) ?? {};
    assert.ok(box !== null);
    await page.mouse.click(
      box.x + ((character + 0.5) * width) / DEFAULT_SIZE.columns,
      box.y + box.height / 2,
    );
  }

  const rows = (page: Page) => page.locator(".xterm-rows");
  async function shows(page: Page, text: RegExp): Promise<void> {
    await eventually(async () => assert.match((await rows(page).textContent()) ?? "", text));
  }
  /** As a browser does it when somebody pastes with the keyboard. */
  async function paste(page: Page, text: string): Promise<void> {
    await page.evaluate(`{
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", ${JSON.stringify(text)});
      document.querySelector(".xterm-helper-textarea").dispatchEvent(
        new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }),
      );
    }`);
  }
  const press = async (page: Page, name: string) =>
    await page.getByRole("button", { name, exact: true }).first().click();

  test("is typed into, and what the guest answers is to be read", async () => {
    const page = await open();

    await page.keyboard.type("\recho line-$((6*7))\r");

    await shows(page, /line-42/);
    assert.match(guest.serial(), /line-42/);
    assert.equal(await page.title(), "serial guest");
  });

  test("is watched by who comes second, whose terminal answers nothing, and handed over", async () => {
    const first = await open();
    await first.keyboard.type("\recho first-$((40+1))\r");
    await shows(first, /first-41/);
    const sent: unknown[] = [];
    const second = await open({}, (socket) =>
      socket.on("framesent", ({ payload }) => typeof payload !== "string" && sent.push(String(payload))),
    );
    await shows(second, /first-41/);
    await second.keyboard.type("echo in-vain\r");
    await second.getByText("so what you type goes nowhere").waitFor();
    // The guest's shell asks with each prompt where the cursor is, and both terminals read that.
    await first.keyboard.type("echo asked-$((40+3))\r");
    await shows(second, /asked-43.*guest# /);
    assert.deepEqual(sent, [], "neither what was typed nor an answer");

    await second.getByRole("button", { name: "Ask to write" }).last().click();
    await first.getByRole("button", { name: "Hand over", exact: true }).click();
    await second.getByRole("button", { name: "Keys" }).waitFor();
    await second.locator(".xterm-helper-textarea").focus();
    await second.keyboard.type("\recho second-$((40+4))\r");

    await shows(first, /second-44/);
    assert.doesNotMatch(guest.serial(), /in-vain/);
    assert.equal(
      await first.getByRole("button", { name: "Keys" }).count(),
      0,
      "who gave it away only watches",
    );
  });

  test("asks before it sends many lines, and sends them at a pace that loses none", async () => {
    const page = await open();
    const text = Array.from({ length: 40 }, (_, index) => `: pasted-${index}-${"x".repeat(40)}`).join("\n");
    await paste(page, `${text}\necho all-$((40+5))\n`);
    const dialog = page.getByRole("dialog", { name: "Send 41 lines to the machine?" });
    await dialog.getByRole("button", { name: "Send them" }).click();

    await shows(page, /all-45/);
    for (let index = 0; index < 40; index++)
      assert.ok(guest.serial().includes(`: pasted-${index}-${"x".repeat(40)}`), `line ${index}`);
  });

  test("finds, and is saved as text", async () => {
    const page = await open();
    await page.keyboard.type("\recho needle-$((40+6)); seq 200\r");
    await shows(page, /200/);

    await press(page, "Find");
    await page.getByRole("searchbox").fill("needle-46");
    await page.getByText("1 of 1").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "View" }).click();
    const saving = page.waitForEvent("download");
    await press(page, "Save as text");
    const saved = await saving;

    assert.match(saved.suggestedFilename(), /^serial-guest-.*\.txt$/);
    assert.match(await readFile(await saved.path(), "utf8"), /needle-46\n(.*\n)*1\n2\n(.*\n)*200\n/);
  });

  test("takes nothing of what escape sequences want but what is harmless", async () => {
    const page = await open();

    await page.keyboard.type(
      "\rprintf '\\033]0;evil\\007\\033]52;c;aGVsbG8=\\007\\033]8;;javascript:alert(1)\\007script\\033]8;;\\007 \\033]8;;https://example.com/\\007web\\033]8;;\\007'; echo .done-$((40+7))\r",
    );
    await shows(page, /script web\.done-47/);
    await clickOn(page, "script web.done-47", 3);

    assert.equal(await page.title(), "serial guest");
    assert.equal(await page.getByRole("dialog").count(), 0, "no link leads to a script");
    assert.equal(
      await page.locator(".dot").count(),
      0,
      "nothing is offered to copy before somebody wants that",
    );
  });

  test("keeps what was to be seen when it ends, and is opened again with it", async () => {
    const page = await open();
    await page.keyboard.type("\recho kept-$((40+8))\r");
    await shows(page, /kept-48/);

    await page.getByRole("button", { name: "End the session" }).click();

    assert.match(await endingWords(page), new RegExp(ERRORS.viewer_closed.meaning));
    await shows(page, /kept-48/);
    await page.getByRole("button", { name: "Open again" }).click();
    await page.locator("[data-phase=live]").waitFor();
    await shows(page, /kept-48/);
  });

  test("can be used on a telephone's width, in German, with a screen reader's lines", async () => {
    const page = await open({ viewport: { width: 390, height: 780 }, locale: "de-DE" });
    await page.keyboard.type("\recho klein-$((40+9))\r");
    await shows(page, /klein-49/);

    await page.getByRole("button", { name: "Ansicht" }).click();
    await page.getByLabel("Ausgabe vorlesen").check();
    await page.keyboard.press("Escape");

    await eventually(async () =>
      assert.match((await page.locator(".xterm-accessibility-tree").textContent()) ?? "", /klein-49/),
    );
    assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 390);
  });
});
