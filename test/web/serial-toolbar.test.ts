import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, afterEach, before, describe, test } from "node:test";
import type { BrowserContextOptions, Page } from "playwright-core";
import { ERRORS } from "#wire/errors.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { type Porthole, startPorthole } from "../harness/porthole.ts";
import { endingWords } from "../harness/stage.ts";
import { startUpstream } from "../harness/test-upstream.ts";
import { lackingGuest, type QemuGuest, serialPort, startQemuGuest } from "../peers/qemu.ts";

/** RFC 854, RFC 1073: DO NAWS; SB NAWS, and behind it columns and rows. */
const DO_NAWS = Uint8Array.of(255, 253, 31);
const SB_NAWS = Uint8Array.of(255, 250, 31);

/** By then a line was spoiled, or the machine is slower than any. */
const SPOILED_MS = 20_000;

describe("the bar of a serial console", { skip: lackingBrowser || lackingGuest }, () => {
  const opened = new AsyncDisposableStack();
  let porthole: Porthole;
  let browser: TestBrowser;
  let guest: QemuGuest<never>;
  let machine: string;
  before(async () => {
    porthole = opened.use(await startPorthole());
    guest = opened.use(await startQemuGuest({}, { line: true }));
    browser = opened.use(await startBrowser());
    machine = await add("guest", `${guest.host}:${await serialPort(guest, "line")}`);
  });
  after(async () => await opened.disposeAsync());

  const pages: Page[] = [];
  // Each test is to find nobody else at the line.
  afterEach(async () => {
    for (const page of pages.splice(0)) {
      await page.goto("about:blank");
      await page.close();
    }
  });

  async function add(name: string, address: string): Promise<string> {
    return (await porthole.api.addMachine({ name, protocol: "serial", address })).id;
  }

  async function open(id = machine, options: BrowserContextOptions = {}): Promise<Page> {
    const page = await browser.open({ permissions: ["clipboard-read", "clipboard-write"], ...options });
    pages.push(page);
    await show(page, id);
    return page;
  }

  async function show(page: Page, id: string): Promise<void> {
    await page.goto((await porthole.api.openConsole(id)).url);
    await page.locator("[data-phase=live]").waitFor();
    // Before that Escape would close a menu or be the machine's, as it happens.
    await page.locator(".xterm-helper-textarea:focus").waitFor({ state: "attached" });
  }

  const rows = (page: Page) => page.locator(".xterm-rows");
  const press = async (page: Page, name: string) =>
    await page.getByRole("button", { name, exact: true }).first().click();
  const copied = async (page: Page) => await page.evaluate<string>("navigator.clipboard.readText()");

  async function shows(page: Page, text: RegExp, withinMs?: number): Promise<void> {
    const looking = async () => assert.match((await rows(page).textContent()) ?? "", text);
    await eventually(looking, withinMs === undefined ? {} : { withinMs });
  }

  /**
   * With each prompt the guest's shell asks where the cursor is, and where the machine is slow it takes the end of the answer for something
   * that was typed. A line that was spoiled so is typed again: how lines are typed is not what is looked at here.
   */
  async function type(page: Page, line: string, shown: RegExp): Promise<void> {
    const once = async (withinMs?: number) => {
      await page.locator(".xterm-helper-textarea").focus();
      await page.keyboard.type(`\r${line}\r`);
      await shows(page, shown, withinMs);
    };
    await once(SPOILED_MS).catch(async () => await once());
  }

  /** Selects a row of the terminal, as three presses of the mouse do. */
  async function select(page: Page, text: string): Promise<void> {
    const box = await rows(page)
      .locator("div", { hasText: new RegExp(`^${text}\\s*$`) })
      .last()
      .boundingBox();
    assert.ok(box !== null);
    await page.mouse.click(box.x + 10, box.y + box.height / 2, { clickCount: 3 });
  }

  test("copies what is selected, by its button and by the keys of terminals, and everything", async () => {
    const page = await open();
    await type(page, "echo copied-$((40+1)); echo other-$((40+2))", /copied-41.*other-42/);

    await select(page, "copied-41");
    await press(page, "Copy and paste");
    await press(page, "Copy what is selected");
    await eventually(async () => assert.equal((await copied(page)).trim(), "copied-41"));
    await page.getByText("Copied", { exact: true }).waitFor();
    await press(page, "Copy everything");
    await eventually(async () => assert.match(await copied(page), /copied-41\nother-42\n/));
    await page.keyboard.press("Escape");
    await select(page, "other-42");
    await page.keyboard.press("Control+Shift+C");

    await eventually(async () => assert.equal((await copied(page)).trim(), "other-42"));
  });

  test("sends a text out of its field, slowly where that is wanted, and stops where it is told to", async () => {
    const page = await open();
    await type(page, "echo ready-$((40+3))", /ready-43/);

    await press(page, "Copy and paste");
    await page.getByRole("textbox", { name: "Text for the machine" }).fill("echo sent-$((40+4))\n");
    await press(page, "Send");
    await shows(page, /sent-44/);
    await press(page, "Copy and paste");
    await page.getByRole("radio", { name: "Slow" }).check();
    const long = `: ${"slow ".repeat(200)}\n`;
    await page.getByRole("textbox", { name: "Text for the machine" }).fill(long);
    await press(page, "Send");
    await page.locator(".strip:has(progress)").getByRole("button", { name: "Cancel" }).click();
    await page.locator("progress").waitFor({ state: "detached" });

    const status = page.getByRole("status").filter({ hasText: /characters sent\.$/ });
    const [sent = ""] = /[\d,]+/.exec((await status.last().textContent()) ?? "") ?? [];
    const count = Number(sent.replace(",", ""));
    assert.ok(count > 0 && count < long.length, `${count} of ${long.length} characters`);
    // Ends the line of which a part was sent.
    await type(page, "echo after-$((40+5))", /after-45/);
  });

  test("writes the keys that a browser or a telephone keeps or lacks", async () => {
    const page = await open();
    await type(page, "stty -echo; cat -v; stty echo; echo keys-$((40+6))", /cat -v/);

    await press(page, "Keys");
    for (const key of ["Esc", "Tab", "Up", "Left", "F1", "F12", "Enter"]) await press(page, key);
    await shows(page, /\^\[\s*\^\[\[A\^\[\[D\^\[OP\^\[\[24~/);
    await press(page, "Ctrl+D");

    await shows(page, /keys-46/);
  });

  test("fills the page where that is chosen, and has a shell told how large it is by then", async () => {
    const page = await open(machine, { viewport: { width: 1100, height: 700 } });
    await type(page, "stty size; echo before-$((40+7))", /before-47/);

    await press(page, "View");
    await page.getByText("programs assume this one").waitFor();
    await page.getByRole("radio", { name: "Fill the page" }).check();
    const command = page.locator("code", { hasText: "stty rows" });
    const { height, width } = await eventually(async () => {
      const [, height, width] =
        /stty rows (\d+) columns (\d+)/.exec((await command.textContent()) ?? "") ?? [];
      assert.ok(Number(width) > 80, width);
      return { height, width };
    });
    await press(page, "Type it into the shell");
    await type(page, "stty size; echo told-$((40+8))", new RegExp(`${height} ${width}.*told-48`));

    await press(page, "View");
    await page.getByRole("radio", { name: "80 × 24" }).check();
    await page.getByText("programs assume this one").waitFor();
  });

  test("tells the machine by telnet how large the terminal is, and when that changes", async () => {
    await using upstream = await startUpstream(({ socket, said }) => {
      socket.on("data", (bytes) => said.push(bytes));
      socket.write(DO_NAWS);
    });
    const { address } = upstream.upstream;
    assert.ok(address.kind === "tcp");
    const id = await add("telnet", `telnet://${address.host}:${address.port}`);
    const page = await open(id, { viewport: { width: 900, height: 600 } });
    const { said } = await upstream.caller();
    /** The last size that it was told. */
    const told = () => {
      const bytes = Buffer.concat(said);
      const at = bytes.lastIndexOf(SB_NAWS);
      assert.ok(at >= 0 && bytes.length >= at + 9);
      return { columns: bytes.readUInt16BE(at + 3), rows: bytes.readUInt16BE(at + 5) };
    };
    const first = await eventually(told);
    await press(page, "View");
    await page.getByText("The machine is told the size.").waitFor();
    await page.keyboard.press("Escape");

    await page.setViewportSize({ width: 1200, height: 800 });

    await eventually(() => assert.ok(told().columns > first.columns && told().rows > first.rows));
    await press(page, "View");
    await page.getByRole("radio", { name: "80 × 24" }).check();
    await eventually(() => assert.deepEqual(told(), { columns: 80, rows: 24 }));
  });

  test("shows text larger and smaller, remembers it, and goes back to what fits", async () => {
    const page = await open();
    await type(page, "echo font-$((50+1))", /font-51/);
    const height = async () => (await rows(page).locator("div").first().boundingBox())?.height ?? 0;
    const fits = await height();

    await press(page, "View");
    for (let step = 0; step < 4; step += 1) await press(page, "Smaller");
    await eventually(async () => assert.ok((await height()) < fits));
    const small = await height();
    await press(page, "Larger");
    await press(page, "Larger");
    await eventually(async () => assert.ok((await height()) > small));
    const chosen = await height();
    await show(page, machine);
    await shows(page, /font-51/);
    await eventually(async () => assert.equal(await height(), chosen));
    await press(page, "View");
    await press(page, "Automatic");

    await eventually(async () => assert.equal(await height(), fits));
  });

  test("finds by the keys of terminals, upwards and downwards, and says where there is nothing", async () => {
    const page = await open();
    await type(page, "for i in 1 2 3; do echo hay-$((60+i)); done", /hay-63/);

    await page.keyboard.press("Control+Shift+F");
    const field = page.getByRole("searchbox", { name: "Find in the output" });
    await field.fill("hay-6");
    const outcome = page.locator(".strip.find .outcome");
    await eventually(async () => assert.match((await outcome.textContent()) ?? "", /^\d of 3$/));
    const first = await outcome.textContent();
    await press(page, "Next match");
    await eventually(async () => assert.notEqual(await outcome.textContent(), first));
    await press(page, "Previous match");
    await eventually(async () => assert.equal(await outcome.textContent(), first));
    await field.fill("needle");
    await eventually(async () => assert.equal(await outcome.textContent(), "Not found"));
    await press(page, "Close the search");

    await field.waitFor({ state: "detached" });
    await type(page, "echo found-$((60+4))", /found-64/);
  });

  test("says who is at the line, and lets the writer hand over, or stop and leave it to whoever types", async () => {
    const writer = await open();
    await type(writer, "echo first-$((70+1))", /first-71/);
    const watcher = await open();
    await shows(watcher, /first-71/);
    const line = (page: Page) => page.getByRole("button", { name: /^Who writes: / });
    assert.match((await line(writer).textContent()) ?? "", /You write/);

    await line(writer).click();
    await writer.getByRole("button", { name: /^Hand over to / }).click();
    await watcher.getByRole("button", { name: "Keys", exact: true }).waitFor();
    await type(watcher, "echo second-$((70+2))", /second-72/);
    await line(watcher).click();
    await press(watcher, "Stop writing");
    await eventually(async () => assert.match((await line(writer).textContent()) ?? "", /Nobody writes/));
    await writer.locator(".xterm-helper-textarea").focus();
    await writer.keyboard.type("x");
    await writer.getByRole("button", { name: "Keys", exact: true }).waitFor();

    await type(writer, "echo third-$((70+3))", /third-73/);
    await shows(watcher, /third-73/);
  });

  test("says why a line is over, and what it showed can still be searched, copied and saved", async () => {
    await using upstream = await startUpstream(
      ({ socket }) => void socket.write("Kernel panic\r\nlast-words"),
    );
    const { address } = upstream.upstream;
    assert.ok(address.kind === "tcp");
    const page = await open(await add("ends", `${address.host}:${address.port}`));
    await shows(page, /last-words/);

    (await upstream.caller()).socket.end();

    const words = await endingWords(page);
    for (const said of [ERRORS.upstream_closed.meaning, ERRORS.upstream_closed.remedy])
      assert.ok(words.includes(said), words);
    await shows(page, /last-words/);
    assert.equal(await page.getByRole("button", { name: "Keys", exact: true }).count(), 0);
    await press(page, "Find");
    await page.getByRole("searchbox").fill("panic");
    await page.getByText("1 of 1").waitFor();
    await press(page, "Close the search");
    await press(page, "Copy and paste");
    await press(page, "Copy everything");
    await eventually(async () => assert.match(await copied(page), /Kernel panic\nlast-words/));
    await page.keyboard.press("Escape");
    await press(page, "View");
    const saving = page.waitForEvent("download");
    await press(page, "Save as text");

    assert.match(await readFile(await (await saving).path(), "utf8"), /Kernel panic\nlast-words/);
  });
});
