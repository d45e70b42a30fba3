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

/** Controls that are shown but nameless, outside the window, or too small to hit; the page is asked once, for there are many. */
export async function outOfReach(page: Page): Promise<string[]> {
  const width = page.viewportSize()?.width ?? 0;
  const faults: string[] = [];
  for (const { name, placeholder, x, ...size } of await shownControls(page)) {
    if (name.trim() === "" && placeholder === null) faults.push("a nameless control");
    if (x < 0 || x + size.width > width + 1) faults.push(`${name} lies outside`);
    if (size.width < TARGET_PIXELS || size.height < TARGET_PIXELS)
      faults.push(`${name}: ${size.width}×${size.height}`);
  }
  return faults;
}

interface ShownControl {
  readonly name: string;
  readonly placeholder: string | null;
  readonly x: number;
  readonly width: number;
  readonly height: number;
}

async function shownControls(page: Page): Promise<readonly ShownControl[]> {
  return await page.evaluate<ShownControl[]>(`(() => {
    const shown = (element) => {
      const { width, height } = element.getBoundingClientRect();
      return width > 0 && height > 0 && element.checkVisibility({ visibilityProperty: true });
    };
    return [...document.querySelectorAll("button, a[href], input")].filter(shown).map((control) => {
      const { x, width, height } = control.getBoundingClientRect();
      const label = [...(control.labels ?? [])].map(({ textContent }) => textContent).join(" ");
      const name = control.getAttribute("aria-label") ?? (control.textContent || label);
      return { name, placeholder: control.getAttribute("placeholder"), x, width, height };
    });
  })()`);
}
