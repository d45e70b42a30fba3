import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type { NewMachine } from "#wire/api.ts";
import { type QemuGuest, type Screen, startQemuGuest } from "../peers/qemu.ts";
import { startBrowser, type TestBrowser } from "./browser.ts";
import { eventually } from "./eventually.ts";
import { typeKeys } from "./keyboard.ts";
import { type Porthole, startPorthole } from "./porthole.ts";

/** What most of the browser's tests need: an installation, a browser, and a real guest that is a machine in it. */
export interface Stage<Name extends string> extends AsyncDisposable {
  readonly porthole: Porthole;
  readonly browser: TestBrowser;
  readonly guest: QemuGuest<Name>;
  /** Registers one of the guest's screens as a machine, and resolves to its id. */
  machine(screen: Name, options?: Partial<NewMachine>): Promise<string>;
}

/** Starts all three at once; each takes a few seconds, mostly of waiting. */
export async function startStage<Name extends string>(
  screens: Readonly<Record<Name, Screen>>,
  options: Parameters<typeof startQemuGuest>[1] = {},
): Promise<Stage<Name>> {
  await using started = new AsyncDisposableStack();
  const starting = await Promise.allSettled([
    startPorthole(),
    startQemuGuest(screens, options),
    startBrowser(),
  ]);
  // The browser is to go first: pages that ask a Porthole which has gone would complain.
  for (const each of starting) if (each.status === "fulfilled") started.use<AsyncDisposable>(each.value);
  const [porthole, guest, browser] = await Promise.all([
    settled(starting[0]),
    settled(starting[1]),
    settled(starting[2]),
  ]);
  const owned = started.move();
  let machines = 0;
  return {
    porthole,
    browser,
    guest,
    machine: async (screen, { name = `guest ${++machines}`, ...rest } = {}) => {
      const address = `${guest.host}:${guest.ports[screen]}`;
      const { id } = await porthole.api.addMachine({ name, protocol: "rfb", address, ...rest });
      return id;
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

async function settled<Value>(result: PromiseSettledResult<Value>): Promise<Value> {
  if (result.status === "rejected") throw result.reason;
  return result.value;
}

/** Waits until the viewer shows the machine's picture, and the keyboard is the machine's. */
export async function untilLive(page: Page): Promise<void> {
  await page.locator("[data-phase=live]").waitFor();
  await page.locator("canvas:focus").waitFor();
}

/** Opens a console in the browser, types into the machine's shell, and leaves. Resolves once control has the session's end. */
export async function openTypeAndLeave(
  {
    porthole: { api },
    browser,
    guest,
  }: Pick<Stage<string>, "porthole" | "browser"> & {
    readonly guest: Pick<QemuGuest<string>, "serial" | "keyboard">;
  },
  machineId: string,
): Promise<void> {
  const { sessionId, url } = await api.openConsole(machineId);
  const page = await browser.open();
  await page.goto(url);
  await untilLive(page);
  const before = guest.serial().length;

  await typeKeys(page, "echo typed-$((6*7)) > /dev/ttyS0\n", guest);

  await eventually(() => assert.match(guest.serial().slice(before), /typed-42/));
  // Whose tab is closed on a busy machine may be gone before it has said so.
  await page.goto("about:blank");
  await eventually(async () => {
    const { state, ending } = await api.session(sessionId);
    assert.deepEqual([state, ending?.code], ["ended", "viewer_closed"]);
  });
}

/** What noVNC writes to the browser's console when a node refuses in RFB's words, which it does beside its own. */
export const NOVNC_REFUSED = /novnc-.*(Security negotiation failed|disconnected RFB object)/;

/** Waits until the viewer says why the console is over, and resolves to its words. */
export async function endingWords(page: Page): Promise<string> {
  await page.locator("[data-phase=ended]").waitFor();
  return (await page.locator("section:has(#ending-meaning)").textContent()) ?? "";
}
