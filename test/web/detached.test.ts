import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import type { SignInLink } from "#wire/api.ts";
import { lackingBrowser, startBrowser } from "../harness/browser.ts";
import { startPorthole } from "../harness/porthole.ts";
import { TestViewer } from "../harness/test-viewer.ts";

/** What a person sees at each width; nothing of it may be cut off. */
const WIDTHS = [390, 1280] as const;

test("a session whose node falls silent is shown as detached, with what that means, and as active when it is back", {
  skip: lackingBrowser,
}, async () => {
  await using porthole = await startPorthole();
  await using browser = await startBrowser();
  const { api, machines } = porthole;
  const { websocket } = await api.openConsole(machines[0]?.id ?? "");
  await using viewer = await TestViewer.porthole(porthole.node, websocket.token);
  await viewer.handshake();
  // Not before: until the node has heard of it, it reports too seldom to count as up.
  await api.call("PUT", "settings/consoleproxy.loadscan.interval", { value: "1000" });
  const { url }: SignInLink = await api.call("POST", "me/sign-in-link");
  const page = await browser.open();
  await page.goto(url);
  await page.getByRole("link", { name: "Sessions" }).click();
  await page.getByText("Active", { exact: true }).waitFor();
  const node = nodeOf(porthole.process.pid);

  process.kill(node, "SIGSTOP");
  try {
    await page.getByText("Detached", { exact: true }).waitFor();
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 800 });
      await page.getByText("Its console node is not heard of.").filter({ visible: true }).waitFor();
      const tooWide = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
      assert.equal(tooWide, 0, `at ${width} pixels nothing has to be scrolled for`);
    }
  } finally {
    process.kill(node, "SIGCONT");
  }

  await page.getByText("Active", { exact: true }).waitFor();
  assert.equal(await page.getByText("Its console node is not heard of.").count(), 0);
});

/** The process of the node, among those that `npm start` has started. */
function nodeOf(parent: number): number {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const found = pids.map(Number).find((pid) => {
    const [status, args] = [read(pid, "status"), read(pid, "cmdline").split("\0")];
    return status.includes(`\nPPid:\t${parent}\n`) && args.includes("proxy");
  });
  assert.ok(found !== undefined, "the node is a child of what was started");
  return found;
}

/** Empty for a process that is gone. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
