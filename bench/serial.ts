/**
 * `npm run bench:serial`: a serial line that prints ten megabytes a second in a browser's tab, and how soon Ctrl-C is heard then; and how soon
 * a console's first character is to be seen. Prints tables and writes them to bench/results/serial.md.
 */
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import type { SignInLink } from "#wire/api.ts";
import { type Porthole, startPorthole } from "../test/harness/porthole.ts";
import { type Process, startProcess } from "../test/harness/process.ts";
import { scratch } from "../test/harness/scratch.ts";
import { remote } from "./load/remote.ts";
import type { SerialLineCommands } from "./load/serial-line.ts";
import { freeAddress, start, until } from "./measure/child.ts";
import { describeMachine } from "./measure/machine.ts";
import { memory, watchMachine } from "./measure/process-tree.ts";
import { quantile } from "./measure/statistics.ts";

const RESULTS = fileURLToPath(new URL("results/serial.md", import.meta.url));
const PACKAGE = fileURLToPath(new URL("../node_modules/@xterm/xterm/", import.meta.url));
const PAGE = fileURLToPath(new URL("contestants/serial/page.html", import.meta.url));
const PROMPT = "guest-is-ready";
const BYTES_PER_SECOND = 10_000_000;
const STOPS = 20;
const OPENS = 30;
/** For how long it prints before Ctrl-C is pressed: long enough for what fills up to be full. */
const FLOOD_MS = 1_500;
/** For how long memory is looked at, and how often. */
const MEMORY_SECONDS = 30;
const MB = 1e6;

/** Hears keys before the page does, and looks with every frame whether `text` is on the terminal. */
const OBSERVER = `(() => {
  window.bench = { pressedAt: 0, seenAt: 0, text: "${PROMPT}" };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.key === "c") bench.pressedAt = performance.timeOrigin + event.timeStamp;
  }, { capture: true });
  addEventListener("click", (event) => { bench.clickedAt = performance.timeOrigin + event.timeStamp; }, { capture: true });
  const look = () => {
    if (bench.seenAt === 0 && document.querySelector(".xterm-rows")?.textContent.includes(bench.text))
      bench.seenAt = performance.timeOrigin + performance.now();
    requestAnimationFrame(look);
  };
  look();
})()`;

interface Observed {
  readonly pressedAt: number;
  readonly clickedAt: number;
  readonly seenAt: number;
}

interface Contestant {
  readonly name: string;
  /** Its processes on the way, whose memory is counted. */
  readonly roots: readonly number[];
  open(): Promise<Page>;
}

const lines: string[] = [];
const machine = describeMachine();
const othersShare = watchMachine(process.pid);
await using line = start({
  command: process.execPath,
  args: [fileURLToPath(new URL("load/serial-line.ts", import.meta.url))],
  part: "generator",
  channel: true,
});
const upstream = remote<SerialLineCommands>(line.process);
const { port } = await upstream.listen({ greeting: PROMPT });
await using porthole = await startPorthole();
const address = `127.0.0.1:${port}`;
const { id } = await porthole.api.addMachine({ name: "bench", protocol: "serial", address });
await using folder = scratch();
await using websockify = await startPlain(folder.path);
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--enable-precise-memory-info"],
});
try {
  await floods();
  await firstCharacters();
} finally {
  await browser.close();
}
const text = `# Serial lines

By \`npm run bench:serial\`, on ${machine.cores} cores of ${machine.cpu}, ${machine.system}, Node ${machine.node}, Chromium ${browser.version()}; browser and machines on the same cores. Other processes used ${(100 * othersShare()).toFixed(0)} % of the machine meanwhile.

${lines.join("\n")}
`;
process.stdout.write(text);
writeFileSync(RESULTS, text);

async function floods(): Promise<void> {
  const contestants: readonly Contestant[] = [
    {
      name: "Porthole",
      roots: [porthole.process.pid],
      open: async () => await visit(browser, (await porthole.api.openConsole(id)).url),
    },
    {
      name: "xterm.js on websockify",
      roots: [websockify.process.pid],
      open: async () => await visit(browser, websockify.url),
    },
  ];
  lines.push(
    `A machine prints ${BYTES_PER_SECOND / MB} MB/s for as long as it is let, and somebody at the page presses Ctrl-C: ${STOPS} times, ${FLOOD_MS} ms after it began. Times are from the key's event.`,
    "",
    "| | taken, MB/s | the machine hears it, p50 | p95 | the page shows the prompt behind it, p50 | p95 |",
    "| --- | --- | --- | --- | --- | --- |",
  );
  for (const contestant of contestants) await stops(contestant);
  lines.push(
    "",
    `The same for ${MEMORY_SECONDS} s without a stop: resident memory of what is on the way and of the tab's process, and the tab's JavaScript heap, in MB. On Porthole's way all of \`npm start\` is counted: control, a node and the demo machine.`,
    "",
    "| | on the way, before | after 10 s | at the end | tab, before | after 10 s | at the end | heap at the end |",
    "| --- | --- | --- | --- | --- | --- | --- | --- |",
  );
  for (const contestant of contestants) await memories(contestant);
  lines.push("");
}

async function stops({ name, open }: Contestant): Promise<void> {
  const heard: number[] = [];
  const shown: number[] = [];
  const rates: number[] = [];
  const page = await open();
  for (let count = 0; count < STOPS; count += 1) {
    await upstream.flood({ bytesPerSecond: BYTES_PER_SECOND });
    await delay(FLOOD_MS);
    const { bytes } = await upstream.printed();
    rates.push((bytes / FLOOD_MS) * 1000);
    const prompt = `stopped-${count}.`;
    await page.evaluate(`Object.assign(bench, { seenAt: 0, text: "${prompt}" })`);
    const stopped = upstream.stopped({ prompt });
    await page.keyboard.press("Control+c");
    const { at } = await stopped;
    const { pressedAt, seenAt } = await seen(page);
    heard.push(at - pressedAt);
    shown.push(seenAt - pressedAt);
  }
  await page.context().close();
  const rate = rates.reduce((sum, each) => sum + each, 0) / rates.length / MB;
  lines.push(`| ${name} | ${rate.toFixed(1)} | ${spread(heard)} | ${spread(shown)} |`);
}

async function memories({ name, roots, open }: Contestant): Promise<void> {
  const page = await open();
  const tab = await rendererOf(page);
  const read = () => [
    roots.reduce((sum, root) => sum + memory(root).rssBytes, 0) / MB,
    memory(tab).rssBytes / MB,
  ];
  const readings = [read()];
  await upstream.flood({ bytesPerSecond: BYTES_PER_SECOND });
  for (const seconds of [10, MEMORY_SECONDS - 10]) {
    await delay(seconds * 1000);
    readings.push(read());
  }
  const stopped = upstream.stopped({ prompt: "over." });
  await page.evaluate(`Object.assign(bench, { seenAt: 0, text: "over." })`);
  await page.keyboard.press("Control+c");
  await stopped;
  await seen(page);
  const heap = (await page.evaluate("performance.memory.usedJSHeapSize")) as number;
  await page.context().close();
  const way = readings.map(([bytes = 0]) => bytes.toFixed(0)).join(" | ");
  const tabs = readings.map(([, bytes = 0]) => bytes.toFixed(0)).join(" | ");
  lines.push(`| ${name} | ${way} | ${tabs} | ${(heap / MB).toFixed(0)} |`);
}

/** From the click on the machine's icon in the list, which opens a tab, asks for a console, and so on. */
async function firstCharacters(): Promise<void> {
  lines.push(
    `From the click on the machine's icon in the list until its line's first character is on the screen, ${OPENS} times each.`,
    "",
    "| | p50 | p95 |",
    "| --- | --- | --- |",
  );
  const again = await machineList(porthole);
  await openFrom(again);
  for (const [what, list] of [
    ["in a browser that was never here", undefined],
    ["in one that was", again],
  ] as const) {
    const took: number[] = [];
    for (let count = 0; count < OPENS; count += 1) {
      const page = list ?? (await machineList(porthole));
      took.push(await openFrom(page));
      if (list === undefined) await page.context().close();
    }
    lines.push(`| ${what} | ${spread(took)} |`);
  }
}

async function machineList({ api }: Porthole): Promise<Page> {
  const { url }: SignInLink = await api.call("POST", "me/sign-in-link");
  const page = await visit(browser, url);
  await page.getByRole("heading", { name: "Machines" }).waitFor();
  return page;
}

async function openFrom(list: Page): Promise<number> {
  const [opened] = await Promise.all([
    list.context().waitForEvent("page"),
    list.getByRole("link", { name: "Open the console of bench" }).click(),
  ]);
  const { seenAt } = await seen(opened);
  const { clickedAt } = (await list.evaluate("bench")) as Observed;
  await opened.goto("about:blank");
  await opened.close();
  return seenAt - clickedAt;
}

async function visit(on: Browser, url: string): Promise<Page> {
  const context = await on.newContext({ locale: "en-GB", viewport: { width: 1280, height: 800 } });
  await context.addInitScript(OBSERVER);
  const page = await context.newPage();
  await page.goto(url);
  if (!url.includes("code=")) await seen(page);
  return page;
}

async function seen(page: Page): Promise<Observed> {
  const read = async () => (await page.evaluate("bench")) as Observed;
  await until(async () => (await read()).seenAt > 0, "text on the terminal");
  return await read();
}

/** The process of this tab: of the renderers the one that has its JavaScript. */
async function rendererOf(page: Page): Promise<number> {
  await page.evaluate("document.title += ' (measured)'");
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = (await session.send("SystemInfo.getProcessInfo")) as {
    readonly processInfo: readonly { readonly type: string; readonly id: number }[];
  };
  await session.detach();
  const renderers = processInfo.filter(({ type }) => type === "renderer").map(({ id: pid }) => pid);
  const pid = renderers.toSorted((a, b) => memory(b).rssBytes - memory(a).rssBytes)[0];
  if (pid === undefined) throw new Error("the browser has no tab");
  return pid;
}

/** Debian's websockify, serving the page as it serves noVNC. */
async function startPlain(
  path: string,
): Promise<AsyncDisposable & { readonly process: Process; readonly url: string }> {
  copyFileSync(PAGE, join(path, "index.html"));
  copyFileSync(join(PACKAGE, "lib/xterm.mjs"), join(path, "xterm.mjs"));
  copyFileSync(join(PACKAGE, "css/xterm.css"), join(path, "xterm.css"));
  const at = await freeAddress();
  const args = ["--web", path, `${at.host}:${at.port}`, address];
  const child = await startProcess("websockify", args);
  const url = `http://${at.host}:${at.port}/index.html`;
  const answers = async () =>
    await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
  await until(answers, "websockify to serve the page");
  return {
    process: child,
    url,
    [Symbol.asyncDispose]: async () => {
      await child.stop();
    },
  };
}

function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  return `${quantile(sorted, 0.5).toFixed(0)} ms | ${quantile(sorted, 0.95).toFixed(0)} ms`;
}
