import type { Page } from "playwright-core";

/** Lets files fall onto the page, as the browser tells it of those that come from elsewhere. */
export async function drop(
  page: Page,
  files: readonly { readonly name: string; readonly content: Buffer }[],
): Promise<void> {
  const named = files.map(({ name, content }) => ({ name, base64: content.toString("base64") }));
  const dataTransfer = await page.evaluateHandle(`(() => {
    const transfer = new DataTransfer();
    for (const { name, base64 } of ${JSON.stringify(named)})
      transfer.items.add(new File([Uint8Array.from(atob(base64), (each) => each.charCodeAt(0))], name));
    return transfer;
  })()`);
  // Beside a dialog, too: what falls there would otherwise take the page's place.
  const place = page.locator("body");
  await place.dispatchEvent("dragover", { dataTransfer });
  await place.dispatchEvent("drop", { dataTransfer });
}
