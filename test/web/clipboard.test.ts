import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Page } from "playwright-core";
import { lackingBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { typeKeys } from "../harness/keyboard.ts";
import { scratch } from "../harness/scratch.ts";
import { type Stage, startStage, untilLive } from "../harness/stage.ts";
import { lackingGuest } from "../peers/qemu.ts";
import { lackingTigerVnc, startTigerVnc } from "../peers/tigervnc.ts";

describe("text between the viewer and the machine", { skip: lackingBrowser || lackingGuest }, () => {
  let stage: Stage<"screen">;
  before(async () => {
    stage = await startStage({ screen: {} });
  });
  after(async () => await stage[Symbol.asyncDispose]());

  async function open(machine: string): Promise<Page> {
    const page = await stage.browser.open();
    await page.goto((await stage.porthole.api.openConsole(machine)).url);
    await untilLive(page);
    return page;
  }

  async function openAddress(name: string, address: string): Promise<Page> {
    return await open((await stage.porthole.api.addMachine({ name, protocol: "rfb", address })).id);
  }

  test("is typed as keys: every character of a US keyboard arrives", async () => {
    const printable = Array.from({ length: 0x7f - 0x20 }, (_, index) =>
      String.fromCharCode(0x20 + index),
    ).join("");
    const page = await open(await stage.machine("screen"));
    await typeKeys(page, "cat > /dev/ttyS0\n");

    await page.getByRole("button", { name: "Clipboard and paste" }).click();
    await page.getByRole("textbox", { name: "Text for the machine" }).fill(`begin ${printable} end\n`);
    await page.getByRole("button", { name: "Type it" }).click();

    await eventually(() =>
      assert.ok(stage.guest.serial().includes(`begin ${printable} end`), stage.guest.serial()),
    );
  });

  test("that a US keyboard cannot type is named, and the rest can still be typed", async () => {
    const page = await open(await stage.machine("screen"));

    await page.getByRole("button", { name: "Clipboard and paste" }).click();
    await page.getByRole("textbox", { name: "Text for the machine" }).fill("Größe");

    await page.getByText("A US keyboard cannot type").waitFor();
    await page.getByRole("button", { name: "Type it without them" }).waitFor();
  });

  test("copied in the machine is offered to the person", { skip: lackingTigerVnc }, async () => {
    const text = "copied in the machine: 4 > 2";
    const copy = `printf '\\e]52;c;%s\\a' ${Buffer.from(text).toString("base64")}`;
    // Once a viewer is there: a selection that was made before is not announced.
    await using server = await startTigerVnc({ script: `while :; do ${copy}; sleep 0.5; date; done` });
    const page = await openAddress("copies", `${server.host}:${server.port}`);

    await page.getByRole("button", { name: "Clipboard and paste: the machine has copied text" }).click();

    const field = page.getByRole("textbox", { name: "Text from the machine" });
    await eventually(async () => assert.equal(await field.inputValue(), text));
  });

  test("put in the machine's clipboard is there to be pasted", { skip: lackingTigerVnc }, async () => {
    await using folder = scratch();
    const pasted = join(folder.path, "pasted");
    await using server = await startTigerVnc({ script: `cat > ${pasted}` });
    const page = await openAddress("pastes", `${server.host}:${server.port}`);

    await page.getByRole("button", { name: "Clipboard and paste" }).click();
    await page.getByRole("textbox", { name: "Text for the machine" }).fill("zwölf Boxkämpfer\n");
    await page.getByRole("button", { name: "Put in its clipboard" }).click();

    await page.getByText("Sent to the machine's clipboard.").waitFor();
    await page.keyboard.press("Escape");
    await page.locator("canvas").focus();
    await page.keyboard.press("Shift+Insert");

    await eventually(() => assert.equal(readFileSync(pasted, "utf8"), "zwölf Boxkämpfer\n"));
  });
});
