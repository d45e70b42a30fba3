import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { lackingBrowser, startBrowser, type TestBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { type Porthole, startPorthole } from "../harness/porthole.ts";
import { INTO_DEFAULT, qemuAt } from "../peers/hypervisor-stage.ts";
import { lackingLibvirt, startLibvirt } from "../peers/libvirt.ts";
import { define, lineGuestDomain, ptyGuestDomain } from "../peers/libvirt-domains.ts";
import { lackingGuest, limits } from "../peers/qemu.ts";

test("a pseudo-terminal of libvirt's is typed into in the browser, and its end is told when the machine stops", {
  skip: lackingBrowser || lackingLibvirt || lackingGuest,
}, async () => {
  await using libvirt = await startLibvirt();
  const uuid = randomUUID();
  const serial = join(libvirt.logs, "serial");
  await define(libvirt, ptyGuestDomain(libvirt, { uuid, name: "web", graphics: "", serial }));
  await libvirt.virsh("start", uuid);
  await using porthole = await startPorthole();
  await using browser = await startBrowser();
  const { api } = porthole;
  await api.call("PUT", "settings/upstream.allow", { value: `127.0.0.0/8,unix:${libvirt.socket}` });
  await api.call("POST", "hypervisors", {
    ...{ name: "host7", platform: "libvirt", address: qemuAt(libvirt), rules: INTO_DEFAULT },
    serialStreams: true,
  });
  const said = () => readFileSync(serial, "latin1");
  await eventually(() => assert.match(said(), /GUEST-READY/), { withinMs: limits.bootMs });
  const { id } = await eventually(async () => {
    const found = (await api.machines()).find(({ address }) => address === uuid);
    assert.ok(found?.power === "running");
    return found;
  });
  const { sessionId, page } = await openLine(porthole, browser, id);

  await page.keyboard.type("\recho pty-$((6*7))\r");

  await eventually(async () =>
    assert.match((await page.locator(".xterm-rows").textContent()) ?? "", /pty-42/),
  );
  assert.match(said(), /pty-42/);
  await libvirt.virsh("destroy", uuid);
  await eventually(async () => {
    const { state, ending } = await api.session(sessionId);
    assert.deepEqual([state, ending?.code], ["ended", "machine_not_running"]);
  });
  await page.getByText("This machine is not running").first().waitFor();
});

test("lines of libvirt's by TCP, by telnet and by a UNIX socket are typed into in the browser", {
  skip: lackingBrowser || lackingLibvirt || lackingGuest,
}, async () => {
  await using libvirt = await startLibvirt();
  const socket = join(libvirt.logs, "line.sock");
  const logOf = (name: string) => join(libvirt.logs, `${name}.serial`);
  const start = async (name: string, line: Parameters<typeof lineGuestDomain>[2]) => {
    const uuid = randomUUID();
    await define(libvirt, lineGuestDomain(libvirt, { uuid, name, graphics: "", serial: logOf(name) }, line));
    await libvirt.virsh("start", uuid);
    return [name, uuid] as const;
  };
  const onTcp = async (name: string, spoken: string) =>
    await onFreePort(async (port) => {
      const source = `<source mode='bind' host='${LOOPBACK}' service='${port}'/>`;
      return await start(name, { type: "tcp", where: `${source}<protocol type='${spoken}'/>` });
    });
  const guests = [
    await onTcp("tcp", "raw"),
    await onTcp("telnet", "telnet"),
    await start("unix", { type: "unix", where: `<source mode='bind' path='${socket}'/>` }),
  ];
  await using porthole = await startPorthole();
  await using browser = await startBrowser();
  const { api } = porthole;
  await api.call("PUT", "settings/upstream.allow", { value: `127.0.0.0/8,unix:${socket}` });
  await api.call("POST", "hypervisors", {
    ...{ name: "host8", platform: "libvirt", address: qemuAt(libvirt), rules: INTO_DEFAULT },
  });

  for (const [name, uuid] of guests) {
    const said = () => readFileSync(logOf(name), "latin1");
    await eventually(() => assert.match(said(), /GUEST-READY/), { withinMs: limits.bootMs });
    const { id } = await eventually(async () => {
      const found = (await api.machines()).find(({ address }) => address === uuid);
      assert.ok(found?.power === "running");
      return found;
    });
    const { page } = await openLine(porthole, browser, id);

    await page.keyboard.type(`\recho ${name}-$((6*7))\r`);

    const shown = new RegExp(`${name}-42`);
    await eventually(async () =>
      assert.match((await page.locator(".xterm-rows").textContent()) ?? "", shown),
    );
    assert.match(said(), shown);
    await page.goto("about:blank");
  }
});

/** A machine's line in a tab of its own: at once, though the node heard otherwise last of what it may dial. */
async function openLine({ api }: Porthole, browser: TestBrowser, machineId: string) {
  const { sessionId, url } = await api.openConsole(machineId, { protocol: "serial" });
  const page = await browser.open();
  await page.goto(url);
  await page.locator("[data-phase=live]").waitFor();
  return { sessionId, page };
}
