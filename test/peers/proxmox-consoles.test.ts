import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { test } from "node:test";
import type { Machine } from "#wire/api.ts";
import type { ChangedCredentials } from "#wire/hypervisors.ts";
import { eventually } from "../harness/eventually.ts";
import { startFleet } from "../harness/test-fleet.ts";
import type { TestViewer } from "../harness/test-viewer.ts";
import { endingOf, INTO_DEFAULT, machineOf, open, picture } from "./hypervisor-stage.ts";
import { startProxmoxStage } from "./proxmox-stage.ts";
import { lackingQemu as skip } from "./qemu.ts";

const { signal } = new AbortController();

test("Proxmox VE: consoles are opened by a node, with a ticket each, and neither side logs what opens them", {
  skip,
}, async () => {
  await using stage = await startStage();
  const { api, fleet, node, machine } = stage;

  for (let turn = 0; turn < 2; turn += 1) {
    const { ticket } = await open(fleet, machine);
    await using viewer = await picture(node, ticket);
    // RFC 6143 §7.5.6: longer than what Proxmox VE takes in one message.
    const text = 300 * 1024;
    viewer.send(Uint8Array.of(6, 0, 0, 0, 0, (text >> 16) & 255, (text >> 8) & 255, text & 255));
    viewer.send(new Uint8Array(text).fill(0x20));
    const before = viewer.bytes.length;
    viewer.send(Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 16, 0, 1));
    await stage.more(viewer, before);
    assert.equal(viewer.closed, undefined);
  }

  assert.equal(new Set(api.secrets).size, 6);
  stage.assertNothingLeaked();
});

test("Proxmox VE: a ticket that came too late, a machine that has just moved and a certificate of another are told as they are", {
  skip,
}, async () => {
  await using stage = await startStage();
  const { api, fleet, node, machine, web, hypervisorId } = stage;
  const { admin, services } = fleet.control;
  const judged = async () => {
    const { sessionId, ticket } = await open(fleet, machine);
    await assert.rejects(picture(node, ticket));
    const code = await endingOf(fleet.control, sessionId);
    const { ending } = await services.sessions.get(admin, sessionId);
    return `${code} ${ending?.detail ?? ""}`;
  };

  api.onProxy = () => api.letTicketsExpire();
  assert.match(await judged(), /^upstream_ticket_refused .*401/);
  api.onProxy = () => api.stopListening();
  assert.match(await judged(), /^upstream_ticket_refused .*hung up/);
  api.onProxy = () => {
    web.node = web.node === "pve1" ? "pve2" : "pve1";
  };
  assert.match(await judged(), /^upstream_ticket_refused .*500/);
  api.onProxy = undefined;
  api.failures.push({ status: 500, message: "got timeout" });
  await assert.rejects(open(fleet, machine), { code: "upstream_timeout" });
  const change = async (credentials: ChangedCredentials) =>
    await services.hypervisors.update(admin, hypervisorId, { credentials });
  await change({ caCertificate: null, pin: `sha256:${"0".repeat(64)}` });
  await assert.rejects(open(fleet, machine), { code: "upstream_refused", detail: "Proxmox VE: tls" });
  await change({ pin: `sha256:${hash("sha256", Buffer.from(api.server.certificate.rawData), "hex")}` });

  const { ticket } = await open(fleet, machine);
  await using viewer = await picture(node, ticket);
  assert.equal(viewer.closed, undefined);
  stage.assertNothingLeaked();
});

test("Proxmox VE: where all ports for consoles are taken, that is told, and a console opens once one is free", {
  skip,
}, async () => {
  await using stage = await startStage();
  const { api, fleet, node, machine, hypervisorId } = stage;
  const driver = await fleet.control.driverPool.driverOf(hypervisorId);
  for (let port = 5_900; port < 6_000; port += 1) await driver.lend?.(stage.record, async () => {});

  const { sessionId, ticket } = await open(fleet, machine);
  await assert.rejects(picture(node, ticket));
  assert.equal(await endingOf(fleet.control, sessionId), "upstream_consoles_exhausted");

  api.stopListening();
  await using viewer = await picture(node, (await open(fleet, machine)).ticket);
  assert.equal(viewer.closed, undefined);
});

async function startStage() {
  await using opened = new AsyncDisposableStack();
  const stage = opened.use(await startProxmoxStage());
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
  const machine: Machine = await machineOf(control, stage.machine.address, { name: "web", power: "running" });
  const owned = opened.move();
  return {
    ...{ api, web, fleet, node, machine, hypervisorId, record: stage.machine },
    async more(viewer: TestViewer, before: number) {
      await eventually(() => assert.ok(viewer.bytes.length > before, `${viewer.closed?.code}`));
    },
    assertNothingLeaked() {
      for (const secret of [api.secret, ...api.secrets])
        assert.ok(!node.log().includes(secret), "a node's log");
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
