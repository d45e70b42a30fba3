import type { BrowserContextOptions, Page } from "playwright-core";

/** Windows that every page and state is to fit. */
export const SIZES = {
  "a phone": { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  "a tablet": { viewport: { width: 768, height: 1024 } },
  "a desk": { viewport: { width: 1440, height: 900 } },
} satisfies Record<string, BrowserContextOptions>;

export const THEMES = ["light", "dark"] as const;

/** WCAG 2.2, 2.5.8 Target Size (Minimum): 24 CSS pixels. */
const TARGET_PIXELS = 24;

/** What makes the page wider than its window. */
export async function sideways(page: Page): Promise<string[]> {
  return await page.evaluate<string[]>(`(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth > clientWidth ? ["the page is " + scrollWidth + " wide, its window " + clientWidth] : [];
  })()`);
}

/** Controls that are shown but nameless, outside the window, or too small to hit. */
export async function outOfReach(page: Page): Promise<string[]> {
  const faults: string[] = [];
  for (const control of await page.locator("button:visible, a[href]:visible, input:visible").all()) {
    const box = await control.boundingBox();
    const label = await control.evaluate<string, { labels?: Iterable<{ textContent: string }> }>(
      ({ labels }) => [...(labels ?? [])].map(({ textContent }) => textContent).join(" "),
    );
    const name = (await control.getAttribute("aria-label")) ?? ((await control.textContent()) || label);
    const { width } = page.viewportSize() ?? { width: 0 };
    if (box === null) continue;
    if (name.trim() === "" && (await control.getAttribute("placeholder")) === null)
      faults.push("a nameless control");
    if (box.x < 0 || box.x + box.width > width + 1) faults.push(`${name} lies outside`);
    if (box.width < TARGET_PIXELS || box.height < TARGET_PIXELS)
      faults.push(`${name}: ${box.width}×${box.height}`);
  }
  return faults;
}
