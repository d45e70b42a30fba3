import assert from "node:assert/strict";
import { test } from "node:test";
import { lackingBrowser, startBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { typeKeys } from "../harness/keyboard.ts";
import { startPorthole } from "../harness/porthole.ts";
import { untilLive } from "../harness/stage.ts";
import { ACCOUNTS, startXapi } from "../harness/xapi/pool.ts";
import { INTO_DEFAULT } from "../peers/hypervisor-stage.ts";
import { lackingGuest, startQemuGuest } from "../peers/qemu.ts";

test("a machine of a XenServer pool comes by itself, and is opened, typed into and closed in the browser", {
  skip: lackingBrowser || lackingGuest,
}, async () => {
  await using guest = await startQemuGuest({ vnc: {} });
  await using pool = await startXapi({ vncOf: () => ({ host: guest.host, port: guest.ports.vnc }) });
  await using porthole = await startPorthole();
  await using browser = await startBrowser();
  const { api } = porthole;
  await api.call("POST", "hypervisors", {
    ...{ name: "pool7", platform: "xenserver", address: pool.address, rules: INTO_DEFAULT },
    credentials: {
      ...{ username: "console", secret: ACCOUNTS.console.password },
      caCertificate: pool.authority.pem,
    },
  });
  await eventually(async () => assert.equal(pool.sessions("porthole").length, 1));
  // Behind the first list, so that it is XAPI's event that tells of it.
  const { uuid } = pool.add({ name: "xen-web" });
  const machine = await eventually(async () => {
    const found = (await api.machines()).find(({ address }) => address === uuid);
    assert.ok(found?.power === "running");
    return found;
  });
  const { sessionId, url } = await api.openConsole(machine.id);
  const page = await browser.open();
  await page.goto(url);
  await untilLive(page);
  assert.equal(pool.sessions("porthole-console").length, 1);

  await typeKeys(page, "echo typed-$((6*7)) > /dev/ttyS0\n", guest);

  await eventually(() => assert.match(guest.serial(), /typed-42/));
  await page.goto("about:blank");
  await eventually(async () => {
    const { state, ending } = await api.session(sessionId);
    assert.deepEqual([state, ending?.code], ["ended", "viewer_closed"]);
  });
  await eventually(() => assert.deepEqual(pool.sessions("porthole-console"), []));
});
