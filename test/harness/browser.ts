import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { LOOPBACK } from "./free-port.ts";
import { lacking } from "./requirements.ts";
import { type Scratch, scratch } from "./scratch.ts";

export const lackingBrowser = lacking("chromium");
/** One that is told which authorities to believe. */
export const lackingTrustingBrowser = lacking("chromium", "libnss3-tools");

export interface TestBrowser extends AsyncDisposable {
  /** A new tab with its own cookies and storage. */
  open(options?: BrowserContextOptions & { readonly expected?: RegExp }): Promise<Page>;
}

const limits = {
  /** For what Playwright waits for by itself, elements and navigations: as long as `eventually` waits. */
  waitMs: 90_000,
} as const;

export interface BrowserSettings {
  /** PEM, certificates of authorities that it believes beside those of its own. */
  readonly roots?: string;
  /** Names that it finds on this machine, as if a resolver had said so: `*.console.example`. */
  readonly here?: string;
}

/**
 * Debian's Chromium. When it is disposed, errors on the console, exceptions that nobody caught and breaches of the
 * Content-Security-Policy in any of its pages fail the test; `expected` names those that a test provokes.
 */
export async function startBrowser({ roots, here }: BrowserSettings = {}): Promise<TestBrowser> {
  const home = roots === undefined ? undefined : homeThatBelieves(roots);
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    ...(home === undefined ? {} : { env: { ...process.env, HOME: home.path } }),
    args: [
      ...(here === undefined ? [] : [`--host-resolver-rules=MAP ${here} ${LOOPBACK}`]),
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
      await home?.[Symbol.asyncDispose]();
      assert.deepEqual(complaints, [], "the browser complained");
    },
  };
}

/** Chromium on Linux believes what is in the NSS database of whoever runs it. */
function homeThatBelieves(roots: string): Scratch {
  const home = scratch();
  const database = join(home.path, ".pki/nssdb");
  mkdirSync(database, { recursive: true });
  const certutil = (...args: readonly string[]) =>
    execFileSync("certutil", [...args, "-d", `sql:${database}`], { stdio: ["ignore", "ignore", "pipe"] });
  certutil("-N", "--empty-password");
  for (const [index, [pem]] of [
    ...roots.matchAll(/-----BEGIN .*?-----END CERTIFICATE-----\n?/gs),
  ].entries()) {
    const file = join(home.path, `${index}.pem`);
    writeFileSync(file, pem);
    certutil("-A", "-n", `root ${index}`, "-t", "C,,", "-i", file);
  }
  return home;
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
