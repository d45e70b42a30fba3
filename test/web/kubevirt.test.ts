import assert from "node:assert/strict";
import { test } from "node:test";
import { lackingBrowser, startBrowser } from "../harness/browser.ts";
import { eventually } from "../harness/eventually.ts";
import { startPorthole } from "../harness/porthole.ts";
import { openTypeAndLeave } from "../harness/stage.ts";
import { INTO_DEFAULT } from "../peers/hypervisor-stage.ts";
import { startKubeVirtApi } from "../peers/kubevirt-api.ts";
import { lackingGuest, startQemuGuest } from "../peers/qemu.ts";

test("a machine of KubeVirt's comes by itself, and is opened, typed into and closed in the browser", {
  skip: lackingBrowser || lackingGuest,
}, async () => {
  await using guest = await startQemuGuest({ kubevirt: {} });
  await using kubevirt = await startKubeVirtApi({ host: guest.host, port: guest.ports.kubevirt });
  await using porthole = await startPorthole();
  await using browser = await startBrowser();
  const { api } = porthole;
  await api.call("POST", "hypervisors", {
    ...{ name: "lab", platform: "kubevirt", address: kubevirt.address, rules: INTO_DEFAULT },
    credentials: { secret: kubevirt.token, caCertificate: kubevirt.authority.pem },
  });
  await eventually(() => assert.equal(kubevirt.cluster.watchers, 2));
  const address = kubevirt.cluster.add("web");
  const machine = await eventually(async () => {
    const found = (await api.machines()).find((each) => each.address === address);
    assert.ok(found?.power === "running");
    return found;
  });

  await openTypeAndLeave({ porthole, browser, guest }, machine.id);

  await eventually(() => assert.equal(kubevirt.viewers, 0));
  const { stdout, stderr } = porthole.process;
  assert.ok(!`${stdout.text}${stderr.text}`.includes(kubevirt.token), "the log");
});
