import assert from "node:assert/strict";
import { test } from "node:test";
import { WebSocket } from "ws";
import { eventually } from "../harness/eventually.ts";
import { startFleet } from "../harness/test-fleet.ts";
import { endingOf, INTO_DEFAULT, machineOf } from "./hypervisor-stage.ts";
import { startKubeVirtApi } from "./kubevirt-api.ts";
import { atLine, attached, openLine, saw, typeInto } from "./line-stage.ts";
import { serialPort, lackingGuest as skip, startQemuGuest } from "./qemu.ts";

const { signal } = new AbortController();

test("KubeVirt: a machine's serial console is typed into, and watched over the one connection that it bears", {
  skip,
}, async () => {
  await using stage = await startStage();
  const { api, fleet, node, machine } = stage;
  assert.deepEqual(machine.protocols, ["rfb", "serial"]);

  await using writer = await attached(await atLine(node, (await openLine(fleet, machine)).ticket));
  await typeInto(writer, "first");
  await using watcher = await attached(await atLine(node, (await openLine(fleet, machine)).ticket));
  await saw(watcher, "first-42");
  await typeInto(writer, "second");
  await saw(watcher, "second-42");

  assert.equal(api.viewers, 1);
  assert.ok(!node.log().includes(api.token));
});

test("KubeVirt: who opens a line past Porthole has it, which is told, and it is opened again", {
  skip,
}, async () => {
  await using stage = await startStage();
  const { fleet, node, machine } = stage;
  const { sessionId, ticket } = await openLine(fleet, machine);
  await using viewer = await attached(await atLine(node, ticket));

  await using elsewhere = await stage.openPast();

  await viewer.untilClosed();
  assert.equal(await endingOf(fleet.control, sessionId), "upstream_closed");
  await using again = await attached(await atLine(node, (await openLine(fleet, machine)).ticket));
  await eventually(() => assert.equal(elsewhere.isOpen(), false));
  await typeInto(again, "again");
});

test("KubeVirt: a machine that has no line, and one that stops just before it is connected to, are told as they are", {
  skip,
}, async () => {
  await using stage = await startStage();
  const { api, fleet, node, machine, control, hypervisorId } = stage;
  const address = api.cluster.addInstance("bare");
  const driver = await control.driverPool.driverOf(hypervisorId);
  await control.inventory.takeAll(hypervisorId, await driver.list(signal));
  const bare = await machineOf(control, address, {});
  const { sessionId, ticket } = await openLine(fleet, machine);

  api.onConsole = () => api.cluster.stop("shop/web");
  await using viewer = await atLine(node, ticket);
  await viewer.untilClosed();

  assert.equal(await endingOf(control, sessionId), "machine_not_running");
  await assert.rejects(openLine(fleet, bare), { code: "console_unavailable" });
});

async function startStage() {
  await using opened = new AsyncDisposableStack();
  const guest = opened.use(await startQemuGuest({ kubevirt: {} }, { line: true }));
  const { host, ports } = guest;
  const line = { host, port: await serialPort(guest, "line") };
  const api = opened.use(await startKubeVirtApi({ host, port: ports.kubevirt }, { line }));
  const address = api.cluster.add("web");
  const fleet = opened.use(await startFleet());
  const node = await fleet.start();
  const { control } = fleet;
  const { id: hypervisorId } = await control.services.hypervisors.add(control.admin, {
    ...{ name: "lab", platform: "kubevirt", address: api.address, rules: INTO_DEFAULT },
    credentials: { secret: api.token, caCertificate: api.authority.pem },
  });
  const driver = await control.driverPool.driverOf(hypervisorId);
  await control.inventory.takeAll(hypervisorId, await driver.list(signal));
  const machine = await machineOf(control, address, { power: "running" });
  const owned = opened.move();
  return {
    ...{ api, fleet, node, machine, control, hypervisorId },
    /** As `virtctl console` does it. */
    async openPast() {
      const path = "/apis/subresources.kubevirt.io/v1/namespaces/shop/virtualmachineinstances/web/console";
      const socket = new WebSocket(`${api.address.replace("https", "wss")}${path}`, "plain.kubevirt.io", {
        headers: { authorization: `Bearer ${api.token}` },
        ca: api.authority.pem,
      });
      await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
      return {
        isOpen: () => socket.readyState === WebSocket.OPEN,
        [Symbol.asyncDispose]: async () => socket.terminate(),
      };
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
