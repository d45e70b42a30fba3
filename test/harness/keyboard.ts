import type { Page } from "playwright-core";
import { eventually } from "./eventually.ts";

/** What a US keyboard types with Shift. */
const SHIFTED = /[A-Z~!@#$%^&*()_+{}|:"<>?]/;

/**
 * Types as a person does, with Shift held down where it takes Shift: Playwright's own `type` sends the characters
 * alone, and a hypervisor that is told scan codes would hear "4" for "$". "\n" is the Enter key.
 */
export async function typeKeys(page: Page, text: string): Promise<void> {
  for (const character of text) {
    const shifted = SHIFTED.test(character);
    if (shifted) await page.keyboard.down("Shift");
    await page.keyboard.press(character === "\n" ? "Enter" : character);
    if (shifted) await page.keyboard.up("Shift");
  }
}

/** How often a line is typed, and how long it is waited for what comes of it before it is typed again. */
const tries = { lines: 4, withinMs: 25_000 } as const;

/**
 * Types a line until something has come of it. A guest whose processor stands still for a moment, as on a machine of two
 * cores that carries browsers and guests at once, loses keys: its keyboard controller holds sixteen bytes, five keys.
 */
export async function typeUntil(page: Page, line: string, hasCome: () => void): Promise<void> {
  for (let left: number = tries.lines; ; left -= 1) {
    await typeKeys(page, `${line}\n`);
    try {
      await eventually(hasCome, { withinMs: tries.withinMs });
      return;
    } catch (error) {
      if (left === 1) throw error;
    }
  }
}
