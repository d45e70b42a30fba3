import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pino } from "pino";
import type { Page } from "playwright-core";
import { type DemoServer, startDemo } from "#demo/server.ts";
import type { Machine, Page as PageOf, Session } from "#wire/api.ts";
import { ERRORS } from "#wire/errors.ts";
import { SIZES, sideways, THEMES } from "../harness/appearance.ts";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK } from "../harness/free-port.ts";
import { type Control, type Node, startControl, startNode } from "../harness/porthole.ts";
import { scratch } from "../harness/scratch.ts";
import { endingWords, untilLive } from "../harness/stage.ts";

/** Machines and the ports of their consoles, by name, as the file says that is the target. */
const COMMAND = `#!/usr/bin/env node
import { readFileSync } from "node:fs";
const { target, address } = JSON.parse(readFileSync(0, "utf8"));
const all = JSON.parse(readFileSync(target, "utf8"));
const machine = (name) => ({ address: name, name, power: all[name].power });
const verbs = {
  list: () => ({ machines: Object.keys(all).map(machine) }),
  machine: () => ({ machine: address in all ? { ...machine(address), consoles: [{ protocol: "rfb" }] } : null }),
  resolve: () => ({ upstream: { host: "${LOOPBACK}", port: all[address].port } }),
};
process.stdout.write(JSON.stringify(verbs[process.argv[2]]()));
`;

describe("a viewer whose machine of a hypervisor closes its console", { skip: lackingBrowser }, () => {
  const folder = scratch();
  const target = join(folder.path, "machines.json");
  let control: Control;
  let node: Node;
  let browser: TestBrowser;
  before(async () => {
    const drivers = join(folder.path, "drivers");
    mkdirSync(drivers, { mode: 0o755 });
    writeFileSync(join(drivers, "test.mjs"), COMMAND, { mode: 0o755 });
    [control, browser] = await Promise.all([
      startControl({ args: ["--command-drivers", drivers] }),
      startBrowser(),
    ]);
    node = await startNode(control);
    has({ one: 1, two: 1 });
    await control.api.call("POST", "hypervisors", {
      ...{ name: "host7", platform: "command", address: `test.mjs:${target}` },
      rules: [{ name: "*", project: "default" }],
    });
  });
  after(async () => {
    await browser?.[Symbol.asyncDispose]();
    await node?.[Symbol.asyncDispose]();
    await control?.[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  /** What the hypervisor says from now on: the ports of its machines' consoles. */
  function has(ports: Readonly<Record<string, number>>, power = "running"): void {
    const all = Object.entries(ports).map(([name, port]) => [name, { port, power }]);
    writeFileSync(target, JSON.stringify(Object.fromEntries(all)));
  }

  async function link(name: string): Promise<string> {
    const id = await eventually(async () => {
      const { items } = await control.api.call<PageOf<Machine>>("GET", "machines");
      const machine = items.find((each) => each.name === name);
      assert.ok(machine !== undefined, name);
      return machine.id;
    });
    return (await control.api.openConsole(id)).url;
  }

  async function open(page: Page, name: string): Promise<void> {
    await page.goto(await link(name));
    await untilLive(page);
  }

  for (const [size, options] of Object.entries(SIZES))
    for (const colorScheme of THEMES)
      test(`is told that it is being asked why, in place, on ${size}, ${colorScheme}`, async () => {
        await using machine = await startMachine();
        has({ one: portOf(machine), two: 1 });
        const page = await browser.open({ ...options, colorScheme });
        await open(page, "one");

        await machine[Symbol.asyncDispose]();

        await page
          .locator(".strip.notice")
          .getByText(/Finding out why/)
          .waitFor();
        await page.getByTitle("Closed", { exact: true }).waitFor();
        assert.deepEqual(await sideways(page), []);
        const said = await endingWords(page);
        assert.ok(
          [ERRORS.upstream_closed, ERRORS.upstream_lost].some(({ meaning }) => said.includes(meaning)),
        );
        await page.close();
      });

  test("is told that it does not run any more, where that is why", async () => {
    await using machine = await startMachine();
    has({ one: portOf(machine), two: 1 });
    const page = await browser.open();
    await open(page, "one");

    has({ one: portOf(machine), two: 1 }, "stopped");
    await machine[Symbol.asyncDispose]();

    assert.ok((await endingWords(page)).includes(ERRORS.machine_not_running.meaning));
    await page.close();
  });

  test("comes to where the machine is by itself when it has moved", async () => {
    await using first = await startMachine();
    await using second = await startMachine();
    has({ one: portOf(first), two: 1 });
    const page = await browser.open();
    await open(page, "one");
    const before = await eventually(async () => {
      const [session] = await sessionsOf("one");
      assert.ok(session !== undefined);
      return session;
    });

    // Whoever opens the machine that has its place by now has control see that it is somewhere else.
    has({ one: portOf(second), two: portOf(first) });
    const other = await browser.open();
    await open(other, "two");

    await eventually(async () => {
      const [now] = await sessionsOf("one");
      assert.ok(now !== undefined && now.id !== before.id);
    });
    await untilLive(page);
    assert.equal((await control.api.session(before.id)).ending?.code, "machine_moved");
    await other.close();
    await page.close();
  });

  async function sessionsOf(machine: string): Promise<readonly Session[]> {
    const { items } = await control.api.call<PageOf<Session>>("GET", "sessions?state=active");
    return items.filter((session) => session.machine === machine);
  }
});

async function startMachine(): Promise<DemoServer> {
  return await startDemo({ listen: { host: LOOPBACK, port: 0 }, log: pino({ level: "silent" }) });
}

function portOf({ address }: DemoServer): number {
  return Number(address.split(":").at(-1));
}
