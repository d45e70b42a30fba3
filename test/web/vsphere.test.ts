import assert from "node:assert/strict";
import { test } from "node:test";
import { lackingBrowser, startBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { startPorthole } from "../harness/porthole.ts";
import { openTypeAndLeave } from "../harness/stage.ts";
import { INTO_DEFAULT } from "../peers/hypervisor-stage.ts";
import { lackingGuest, startQemuGuest } from "../peers/qemu.ts";
import { ACCOUNT, lackingVcsim, startVcsim } from "../peers/vcsim.ts";

test("a machine of vSphere's without any network comes by itself, and is opened, typed into and closed in the browser", {
  skip: lackingBrowser || lackingGuest || lackingVcsim,
}, async () => {
  await using guest = await startQemuGuest({ screen: {} });
  await using vcsim = await startVcsim({ screen: { host: guest.host, port: guest.ports.screen } });
  await using porthole = await startPorthole();
  await using browser = await startBrowser();
  const { api } = porthole;
  await api.call("POST", "hypervisors", {
    ...{ name: "vcenter", platform: "vsphere", address: vcsim.address, rules: INTO_DEFAULT },
    credentials: { ...ACCOUNT, caCertificate: vcsim.authority.pem },
  });
  const machine = await eventually(async () => {
    const [found] = (await api.machines()).filter(({ power }) => power === "running");
    assert.ok(found !== undefined);
    return found;
  });

  await openTypeAndLeave({ porthole, browser, guest }, machine.id);
});
