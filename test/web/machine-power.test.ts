import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Machine, Page as PageOf, SignInLink } from "#wire/api.ts";
import { SIZES, sideways } from "../harness/appearance.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { writeCommand } from "../harness/command-hypervisor.ts";
import { eventually } from "../harness/eventually.ts";
import { untilKeyboard } from "../harness/focus.ts";
import { type Control, startControl } from "../harness/porthole.ts";
import { scratch } from "../harness/scratch.ts";

describe("the power of a machine in the panel", { skip: lackingBrowser }, () => {
  const folder = scratch();
  const power = join(folder.path, "power");
  let control: Control;
  let browser: TestBrowser;
  before(async () => {
    writeCommand(join(folder.path, "drivers"));
    writeFileSync(power, "running");
    const args = ["--command-drivers", join(folder.path, "drivers")];
    [control, browser] = await Promise.all([startControl({ args }), startBrowser()]);
    await control.api.addMachine({
      ...{ name: "by hand", protocol: "rfb", address: "kvm-7.example.com:5901" },
      tls: { mode: "insecure" },
    });
    await control.api.call("POST", "hypervisors", {
      ...{ name: "host7", platform: "command", address: `test.mjs:${power}` },
      rules: [{ name: "*", project: "default" }],
    });
    await eventually(async () => {
      const { items } = await control.api.call<PageOf<Machine>>("GET", "machines");
      assert.ok(items.some(({ name }) => name === "web"));
    });
  });
  after(async () => {
    await browser?.[Symbol.asyncDispose]();
    await control?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  async function listed(options: Parameters<TestBrowser["open"]>[0] = {}) {
    const page = await browser.open({ ...options });
    const { url }: SignInLink = await control.api.call("POST", "me/sign-in-link");
    await page.goto(url);
    await page.getByRole("row", { name: "web" }).waitFor();
    return page;
  }

  test("is cut when that was asked once more, and what does not fit is told where it was pressed", async () => {
    const page = await listed({ expected: /409/ });
    assert.equal(await page.getByRole("button", { name: "Start or stop by hand" }).count(), 0);

    await page.getByRole("button", { name: "Start or stop web" }).click();
    await page.getByRole("button", { name: "Cut the power" }).click();
    const sure = page.getByRole("dialog", { name: "Cut the power of web?" });
    await sure.getByText("is lost").waitFor();
    await untilKeyboard(sure.getByRole("button", { name: "Cancel" }));
    assert.equal(readFileSync(power, "utf8"), "running");
    await sure.getByRole("button", { name: "Cut the power" }).click();

    await sure.waitFor({ state: "detached" });
    await page.getByRole("status").getByText("Its power is cut.").waitFor();
    assert.equal(readFileSync(power, "utf8"), "stopped");
    await page.reload();
    await page.getByRole("row", { name: "web" }).getByText("Stopped").waitFor();
    writeFileSync(power, "running");
    await page.getByRole("button", { name: "Start or stop web" }).click();
    await page.getByRole("button", { name: "Start", exact: true }).click();
    await page.getByRole("alert").getByText("not in a state for that").waitFor();
  });

  test("has room on a telephone", async () => {
    const page = await listed(SIZES["a phone"]);

    await page.getByRole("button", { name: "Start or stop web" }).click();

    await page.getByRole("dialog").waitFor();
    assert.deepEqual(await sideways(page), []);
  });
});
