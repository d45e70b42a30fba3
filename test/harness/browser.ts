import assert from "node:assert/strict";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { lacking } from "./requirements.ts";

export const lackingBrowser = lacking("chromium");

export interface TestBrowser extends AsyncDisposable {
  /** A new tab with its own cookies and storage. */
  open(options?: BrowserContextOptions & { readonly expected?: RegExp }): Promise<Page>;
}

const limits = {
  /** For what Playwright waits for by itself, elements and navigations: as long as `eventually` waits. */
  waitMs: 90_000,
} as const;

/**
 * Debian's Chromium. When it is disposed, errors on the console, exceptions that nobody caught and breaches of the
 * Content-Security-Policy in any of its pages fail the test; `expected` names those that a test provokes.
 */
export async function startBrowser(): Promise<TestBrowser> {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      // Its sandbox does not start for root, and there is no graphics card to look for.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      ...["--disable-gpu", "--disable-dev-shm-usage"],
    ],
  });
  const complaints: string[] = [];
  return {
    open: async (options = {}) => await openPage(browser, options, complaints),
    [Symbol.asyncDispose]: async () => {
      await browser.close();
      assert.deepEqual(complaints, [], "the browser complained");
    },
  };
}

async function openPage(
  browser: Browser,
  { expected, ...options }: BrowserContextOptions & { readonly expected?: RegExp },
  complaints: string[],
): Promise<Page> {
  const context = await browser.newContext({
    locale: "en-GB",
    viewport: { width: 1280, height: 800 },
    ...options,
  });
  context.setDefaultTimeout(limits.waitMs);
  const complain = (text: string) => {
    if (!(expected?.test(text) ?? false)) complaints.push(text);
  };
  context.on("console", (message) => {
    if (message.type() === "error" || /Content.Security.Policy/i.test(message.text()))
      complain(`${message.location().url}: ${message.text()}`);
  });
  context.on("weberror", (error) => complain(String(error.error().stack ?? error.error())));
  return await context.newPage();
}
