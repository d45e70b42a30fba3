import assert from "node:assert/strict";
import { test } from "node:test";
import { startFleet } from "../harness/test-fleet.ts";
import { endingOf, INTO_DEFAULT, machineOf } from "./hypervisor-stage.ts";
import { atLine, attached, openLine, saw, typeInto } from "./line-stage.ts";
import { addressOf, clusterMachine, startProxmoxStage } from "./proxmox-stage.ts";
import { lackingGuest as skip } from "./qemu.ts";

const { signal } = new AbortController();

test("Proxmox VE: a machine's serial line is typed into through a termproxy, and watched by who comes later", {
  skip,
}, async () => {
  await using stage = await startStage();
  const { api, fleet, node, machine } = stage;
  assert.deepEqual(machine.protocols, ["rfb", "serial"]);

  await using writer = await attached(await atLine(node, (await openLine(fleet, machine)).ticket));
  await saw(writer, "starting serial terminal on interface serial0");
  await typeInto(writer, "first");
  await using watcher = await attached(await atLine(node, (await openLine(fleet, machine)).ticket));
  await saw(watcher, "first-42");
  // Longer than a message of a WebSocket that Proxmox VE takes; of so long a line a terminal keeps the beginning.
  writer.send(Buffer.from(`${":".padEnd(200 * 1024)}\r`));
  await typeInto(writer, "second");

  await saw(watcher, "second-42");
  assert.deepEqual(api.misread, []);
  stage.assertNothingLeaked();
});

test("Proxmox VE: a line whose ticket is not taken, that comes too late, or that its machine has not, is told as what it is", {
  skip,
}, async () => {
  await using stage = await startStage();
  const { api, fleet, node, machine, web } = stage;
  const { control } = fleet;
  const judged = async () => {
    const { sessionId, ticket } = await openLine(fleet, machine);
    await using viewer = await atLine(node, ticket);
    await viewer.untilClosed();
    const code = await endingOf(control, sessionId);
    const { ending } = await control.services.sessions.get(control.admin, sessionId);
    return `${code} ${ending?.step ?? ""} ${ending?.detail ?? ""}`;
  };

  api.cluster.takesTokens = false;
  assert.match(
    await judged(),
    /^upstream_ticket_refused authentication .*takes API tokens for serial lines from/,
  );
  api.cluster.takesTokens = true;
  api.onProxy = () => api.letTicketsExpire();
  assert.match(await judged(), /^upstream_ticket_refused handshake .*401/);
  api.onProxy = () => api.stopListening();
  assert.match(await judged(), /^upstream_ticket_refused handshake .*hung up/);
  api.onProxy = undefined;
  delete web.config["serial0"];
  await assert.rejects(openLine(fleet, machine), { code: "console_unavailable" });
  web.status = "stopped";
  await assert.rejects(openLine(fleet, machine), { code: "machine_not_running" });

  stage.assertNothingLeaked();
});

test("Proxmox VE: a machine whose display is its serial line has that one alone", { skip }, async () => {
  await using stage = await startStage();
  const { api, fleet, node } = stage;
  const { control, driver, hypervisorId } = stage;
  const headless = clusterMachine("headless", { config: { vga: "serial0" } });
  api.cluster.machines.set(102, headless);
  await control.inventory.takeAll(hypervisorId, await driver.list(signal));
  const machine = await machineOf(control, addressOf(102, headless), {});

  await using viewer = await attached(await atLine(node, (await openLine(fleet, machine)).ticket));

  await typeInto(viewer, "headless");
  const screen = control.services.consoles.open(control.admin, { machineId: machine.id, api: "native" });
  await assert.rejects(screen, { code: "console_unavailable" });
});

async function startStage() {
  await using opened = new AsyncDisposableStack();
  const stage = opened.use(await startProxmoxStage({ line: true }));
  const { api, web } = stage;
  const fleet = opened.use(await startFleet());
  const node = await fleet.start();
  const { control } = fleet;
  const { id: hypervisorId } = await control.services.hypervisors.add(control.admin, {
    ...{ name: "pve", platform: "proxmox", address: api.address, rules: INTO_DEFAULT },
    credentials: { username: api.tokenId, secret: api.secret, caCertificate: api.authority.pem },
  });
  const driver = await control.driverPool.driverOf(hypervisorId);
  await control.inventory.takeAll(hypervisorId, await driver.list(signal));
  const machine = await machineOf(control, stage.machine.address, { name: "web", power: "running" });
  const owned = opened.move();
  return {
    ...{ api, web, fleet, node, machine, control, driver, hypervisorId },
    assertNothingLeaked() {
      for (const secret of [api.secret, ...api.secrets])
        assert.ok(!node.log().includes(secret), "a node's log");
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
