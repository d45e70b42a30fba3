import assert from "node:assert/strict";
import type { Locator, Page } from "playwright-core";
import { eventually } from "./eventually.ts";

/** It comes with the next picture that the browser draws. */
export async function untilKeyboard(control: Locator): Promise<void> {
  await eventually(async () => assert.ok(await hasKeyboard(control)));
}

async function hasKeyboard(control: Locator): Promise<boolean> {
  return await control.evaluate((element) => element === element.ownerDocument.activeElement);
}

/** Presses Tab until the control has the keyboard; a page has fewer stops than this. */
export async function tabTo(page: Page, control: Locator): Promise<void> {
  for (let step = 0; step < 60; step++) {
    if (await hasKeyboard(control)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`the keyboard does not reach ${control}`);
}

/** What is said of a control beside its name, which screen readers say with it. */
export async function describedAs(control: Locator): Promise<string> {
  const ids = ((await control.getAttribute("aria-describedby")) ?? "").split(" ");
  const texts = ids.map(async (id) => await control.page().locator(`[id="${id}"]`).textContent());
  return (await Promise.all(texts)).join(" ");
}
