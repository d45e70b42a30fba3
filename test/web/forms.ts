import assert from "node:assert/strict";
import type { Locator } from "playwright-core";

/** What is wider than the form that it is in. */
export async function stickingOut(dialog: Locator): Promise<readonly string[]> {
  const form = await dialog.locator("form").boundingBox();
  assert.ok(form !== null);
  const out: string[] = [];
  for (const each of await dialog.locator("label:visible, button:visible, .field:visible").all()) {
    const box = await each.boundingBox();
    if (box !== null && box.x + box.width > form.x + form.width + 1)
      out.push((await each.textContent()) || "a field");
  }
  return out;
}

/** Fields for text and choices, too, say what they are. */
export async function assertNamed(dialog: Locator): Promise<void> {
  const controls = await dialog.locator("input:visible, select:visible, textarea:visible").all();
  for (const control of controls) {
    const name = await control.evaluate<string, { labels: Iterable<{ textContent: string }> }>(({ labels }) =>
      [...labels].map(({ textContent }) => textContent).join(" "),
    );
    assert.notEqual(((await control.getAttribute("aria-label")) ?? name).trim(), "");
  }
}
