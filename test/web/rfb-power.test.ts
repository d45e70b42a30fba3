import assert from "node:assert/strict";
import { test } from "node:test";
import { lackingBrowser, startBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { untilKeyboard } from "../harness/focus.ts";
import { startPorthole } from "../harness/porthole.ts";
import { untilLive } from "../harness/stage.ts";
import { lackingQemu, startQemu } from "../peers/qemu.ts";

test("a machine that no hypervisor takes orders for is stopped and reset by RFB's server, in the same panel", {
  skip: lackingBrowser || lackingQemu,
}, async () => {
  await using porthole = await startPorthole();
  await using browser = await startBrowser();
  await using qemu = await startQemu({ screen: { power: true } });
  const address = `${qemu.host}:${qemu.ports.screen}`;
  const { id } = await porthole.api.addMachine({ name: "web", protocol: "rfb", address });
  const { url } = await porthole.api.openConsole(id);
  const page = await browser.open();
  await page.goto(url);
  await untilLive(page);
  await page.keyboard.press("Control+Alt+Shift+M");
  const power = page.getByRole("button", { name: "Power" });
  const panel = page.getByRole("dialog", { name: "Power" });

  await power.click();
  assert.equal(
    await panel.getByRole("button", { name: "Cut the power" }).count(),
    0,
    "RFB has no word for it",
  );
  await panel.getByRole("button", { name: "Shut down" }).click();

  await panel.getByRole("status").getByText("The hypervisor was told.").waitFor();
  await eventually(() => assert.ok(qemu.events().includes("POWERDOWN")));
  await panel.getByRole("button", { name: "Close" }).click();
  await power.click();
  await panel.getByRole("button", { name: "Reset" }).click();
  await panel.getByText("Reset web?").waitFor();
  await untilKeyboard(panel.getByRole("button", { name: "Cancel" }));
  assert.ok(!qemu.events().includes("RESET"));
  await panel.getByRole("button", { name: "Reset" }).click();
  await eventually(() => assert.ok(qemu.events().includes("RESET")));
});
