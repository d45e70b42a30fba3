import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from "playwright-core";
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
 * Debian's Chromium. When it is disposed, its pages are closed, and errors on the console, exceptions that nobody caught and breaches
 * of the Content-Security-Policy in any of them fail the test; `expected` names those that a test provokes.
 */
export async function startBrowser(settings: BrowserSettings = {}): Promise<TestBrowser> {
  const isPlain = settings.roots === undefined && settings.here === undefined;
  const { browser, close } = isPlain
    ? { browser: await sharedBrowser(), close: async () => {} }
    : await launch(settings);
  const complaints: string[] = [];
  const opened = new AsyncDisposableStack();
  // Undone from behind: first its pages are closed, which may complain as they go.
  opened.defer(() => assert.deepEqual(complaints, [], "the browser complained"));
  opened.defer(close);
  return {
    async open(options = {}) {
      const context = opened.use(await openContext(browser, options, complaints));
      return await context.newPage();
    },
    [Symbol.asyncDispose]: async () => await opened.disposeAsync(),
  };
}

interface Launched {
  readonly browser: Browser;
  close(): Promise<void>;
}

/** One for all tests of this process: contexts keep them apart, and to start another takes as long as many a test. */
let shared: Promise<Launched> | undefined;
after(async () => await (await shared)?.close());

/** Once more where it is gone, or did not start: what one test has lost is no matter of the next. */
async function sharedBrowser(): Promise<Browser> {
  const launched = await (shared ?? launchShared());
  return launched.browser.isConnected() ? launched.browser : (await launchShared()).browser;
}

function launchShared(): Promise<Launched> {
  const launching = launch({});
  shared = launching;
  launching.catch(() => {
    if (shared === launching) shared = undefined;
  });
  return launching;
}

async function launch({ roots, here }: BrowserSettings): Promise<Launched> {
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
  return {
    browser,
    async close() {
      await browser.close();
      await home?.[Symbol.asyncDispose]();
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

async function openContext(
  browser: Browser,
  { expected, ...options }: BrowserContextOptions & { readonly expected?: RegExp },
  complaints: string[],
): Promise<BrowserContext> {
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
  return context;
}
