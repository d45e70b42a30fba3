import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, describe, test } from "node:test";
import type { BrowserContextOptions, Page, WebSocket } from "playwright-core";
import { ERRORS } from "#wire/errors.ts";
import { DEFAULT_SIZE } from "#wire/serial.ts";
import { viewerLimits } from "#wire/viewer.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { type Porthole, startPorthole } from "../harness/porthole.ts";
import { endingWords } from "../harness/stage.ts";
import { startUpstream } from "../harness/test-upstream.ts";
import { lackingGuest, type QemuGuest, serialPort, startQemuGuest } from "../peers/qemu.ts";

/** More lines than may be on the way to a viewer that acknowledges none of them. */
const FLOOD = Array.from(
  { length: (viewerLimits.unacknowledgedBytes * 2) / "1000000\r\n".length },
  (_, number) => `${1_000_000 + number}\r\n`,
).join("");

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
    id = machine,
  ): Promise<Page> {
    const { url } = await porthole.api.openConsole(id);
    const page = await browser.open(options);
    opened.push(page);
    page.on("websocket", connected);
    await page.goto(url);
    await page.locator("[data-phase=live]").waitFor();
    return page;
  }

  /** One who writes and one who watches. */
  async function openTwo(): Promise<{ readonly writer: Page; readonly watcher: Page }> {
    const writer = await open();
    await writer.keyboard.type("\recho writer-$((30+1))\r");
    await shows(writer, /writer-31/);
    const watcher = await open();
    await shows(watcher, /writer-31/);
    return { writer, watcher };
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

  test("goes on being written by who is asked and refuses, and who asked is told so", async () => {
    const { writer, watcher } = await openTwo();
    await watcher.keyboard.type("x");
    await watcher.getByRole("button", { name: "Ask to write" }).last().click();

    await writer.getByText("asks to write").waitFor();
    await press(writer, "Go on writing");

    await watcher.getByText("goes on writing.").last().waitFor();
    await writer.keyboard.type("echo still-$((30+3))\r");
    await shows(watcher, /still-33/);
    assert.equal(await watcher.getByRole("button", { name: "Keys" }).count(), 0);
  });

  test("shows who could not keep up where the line is, and that some is left out", async () => {
    // Faster than a guest's line, which takes so long for what nobody can hold back that a page that stands still counts as gone.
    await using flooding = await startUpstream(({ socket }) => {
      socket.write("quiet\r\n");
      socket.once("data", () => socket.write(`${FLOOD}flooded-34\r\n`));
    });
    assert.ok(flooding.upstream.address.kind === "tcp");
    const address = `${flooding.upstream.address.host}:${flooding.upstream.address.port}`;
    const { id } = await porthole.api.addMachine({ name: "flooding", protocol: "serial", address });
    const writer = await open({}, undefined, id);
    const watcher = await open({}, undefined, id);
    await Promise.all([shows(writer, /quiet/), shows(watcher, /quiet/)]);
    const debug = await watcher.context().newCDPSession(watcher);
    await debug.send("Debugger.enable");
    await debug.send("Debugger.pause");

    await writer.keyboard.type("go");
    await shows(writer, /flooded-34/);
    await debug.send("Debugger.resume");

    await watcher.getByText("some of its output is left out").waitFor();
    await shows(watcher, new RegExp(`${FLOOD.trim().split("\r\n").at(-1)}.*flooded-34`));
    await press(watcher, "Close");
    assert.equal(await watcher.getByText("some of its output is left out").count(), 0);
  });

  test("sends the break signal by telnet, which the guest's kernel takes for what it is", async () => {
    await using telnet = await startQemuGuest({}, { line: "telnet" });
    const address = `telnet://${telnet.host}:${await serialPort(telnet, "line")}`;
    const { id } = await porthole.api.addMachine({ name: "telnet guest", protocol: "serial", address });
    const page = await open({}, undefined, id);
    await page.keyboard.type("\recho 1 > /proc/sys/kernel/sysrq; echo ready-$((30+5))\r");
    await shows(page, /ready-35/);

    await page.getByRole("button", { name: "Keys" }).click();
    await press(page, "Send break");
    await page.locator(".xterm-helper-textarea:focus").waitFor();
    await page.keyboard.type("h");

    await shows(page, /sysrq: HELP/);

    // Telnet tells the size, whichever it is: then nothing is said of lines that do not.
    await press(page, "View");
    await page.getByText("80 × 24", { exact: true }).click();
    await page.getByText("The machine is told the size.").waitFor();
    assert.equal(await page.getByText("tells the machine no size").count(), 0);
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

  test("offers text that the machine wants copied to who allowed it, and never says what was copied before", async () => {
    const sent: string[] = [];
    const page = await open({}, (socket) =>
      socket.on("framesent", ({ payload }) => typeof payload !== "string" && sent.push(String(payload))),
    );
    await page.getByRole("button", { name: "Copy and paste" }).click();
    await page.getByLabel("Let the machine offer text to copy").check();
    await page.keyboard.press("Escape");
    await page.locator(".xterm-helper-textarea:focus").waitFor();
    await page.keyboard.type(
      "\rprintf '\\033]52;c;b2ZmZXJlZA==\\007\\033]52;c;?\\007\\033]2;a title\\007'; echo .asked-$((30+6))\r",
    );
    await shows(page, /\.asked-36/);

    await page.getByRole("button", { name: "Copy and paste" }).click();

    assert.equal(await page.getByLabel("Text from the machine").inputValue(), "offered");
    assert.ok(!sent.join("").includes("\x1b]52"), "an answer");
  });

  test("follows a link only where it leads, and when that was said and wanted", async () => {
    const page = await open();
    await page.keyboard.type(
      "\rprintf '\\033]8;;https://user@example.com/x\\007bank.example\\033]8;;\\007'; echo .linked-$((30+7))\r",
    );
    await shows(page, /bank\.example\.linked-37/);

    await clickOn(page, "bank.example.linked-37", 3);
    const dialog = page.getByRole("dialog", { name: "Follow a link of the machine's?" });
    await dialog.getByText("https://user@example.com/x").waitFor();
    const link = dialog.getByRole("link", { name: "Open in a new tab" });

    assert.equal(await link.getAttribute("href"), "https://user@example.com/x");
    assert.equal(await link.getAttribute("rel"), "noopener noreferrer");
    await dialog.getByRole("button", { name: "Cancel" }).click();
    assert.equal(page.context().pages().length, 1);
  });

  test("stays what it is when the machine sends what terminals choke on", async () => {
    const page = await open();

    await page.keyboard.type(
      "\rprintf '\\033[2147483647S\\033[2147483647L.\\033[2147483647b\\r\\n'; printf a; printf '\\314\\201%.0s' $(seq 20000); echo; printf '\\033]0;'; seq 90000 | tr -d '\\n'; printf '\\007'; echo bombed-$((30+8))\r",
    );

    await eventually(
      async () => assert.match((await rows(page).textContent()) ?? "", /a\u0301{1,4}(?!\u0301).*bombed-38/),
      { withinMs: 120_000 },
    );
    await page.keyboard.type("echo alive-$((30+9))\r");
    await shows(page, /alive-39/);
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
