import type { Page } from "playwright-core";
import type { GuestKeyboard } from "../peers/guest-keyboard.ts";

/** What a US keyboard types with Shift. */
const SHIFTED = /[A-Z~!@#$%^&*()_+{}|:"<>?]/;

/**
 * Types as a person does, with Shift held down where it takes Shift: Playwright's own `type` sends the characters
 * alone, and a hypervisor that is told scan codes would hear "4" for "$". "\n" is the Enter key. With `guest` each key
 * waits until it has read the one before.
 */
export async function typeKeys(
  page: Page,
  text: string,
  guest?: { readonly keyboard: GuestKeyboard },
): Promise<void> {
  let presses = guest?.keyboard.presses ?? 0;
  for (const character of text) {
    const shifted = SHIFTED.test(character);
    if (shifted) await page.keyboard.down("Shift");
    await page.keyboard.press(character === "\n" ? "Enter" : character);
    if (shifted) await page.keyboard.up("Shift");
    presses += shifted ? 2 : 1;
    await guest?.keyboard.hasRead(presses);
  }
}
