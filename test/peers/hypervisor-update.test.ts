import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { followHypervisors } from "#control/hypervisors/follow-all.ts";
import type { Hypervisor } from "#wire/hypervisors.ts";
import { type OneControl, testControl, testReplicas } from "../harness/control.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK } from "../harness/free-port.ts";
import { lackingPostgres } from "../harness/postgres.ts";
import { ExtendedKeyUsage, testCertificate } from "../harness/test-certificates.ts";
import { startFleet } from "../harness/test-fleet.ts";
import {
  add,
  INTO_DEFAULT,
  machineOf,
  machines,
  open,
  picture,
  qemuAt,
  stopping,
} from "./hypervisor-stage.ts";
import { lackingLibvirt as skip, startLibvirt } from "./libvirt.ts";
import { define, qemuDomain } from "./libvirt-domains.ts";
import { startTlsLibvirt } from "./libvirt-tls.ts";

const VNC = "<graphics type='vnc' autoport='yes' listen='0.0.0.0'/>";

test("a hypervisor is reached by what it is given anew, its machines stay, and an open console goes on", {
  skip,
}, async () => {
  const usages = [ExtendedKeyUsage.clientAuth];
  const authority = await testCertificate({ commonName: "libvirt" });
  const server = await testCertificate({ names: [LOOPBACK], issuer: authority });
  const shown = async (issuer?: typeof authority) => {
    const { pem, keyPem } = await testCertificate({ names: ["porthole"], usages, ...(issuer && { issuer }) });
    return { clientCertificate: pem, clientKey: keyPem };
  };
  await using libvirt = await startTlsLibvirt(authority, server);
  const uuid = randomUUID();
  await define(libvirt, qemuDomain(uuid, VNC, "web"));
  await libvirt.virsh("start", uuid);
  await using fleet = await startFleet();
  const node = await fleet.start();
  const { control } = fleet;
  const { hypervisors } = control.services;
  const { id } = await hypervisors.add(control.admin, {
    ...{ name: "host7", platform: "libvirt", rules: INTO_DEFAULT },
    address: `qemu+tls://${LOOPBACK}:${libvirt.port}/session`,
    credentials: { caCertificate: authority.pem, ...(await shown()) },
  });
  const following = followHypervisors(control);
  await using _ = stopping(following);
  await stateOf(control, { state: "down", problem: /^credentials: / });

  // A stranger's certificate is changed for one that libvirt knows; the authority stays.
  await hypervisors.update(control.admin, id, { credentials: await shown(authority) });
  await stateOf(control, { state: "up" });
  const machine = await machineOf(control, uuid, { power: "running" });
  const { ticket, sessionId } = await open(fleet, machine);
  await using viewer = await picture(node, ticket);
  const before = await control.driverPool.driverOf(id);
  // Another certificate, then another address, and what it takes no more is forgotten.
  await hypervisors.update(control.admin, id, { credentials: await shown(authority) });
  await stateOf(control, { state: "up" });
  const forgotten = { caCertificate: null, clientCertificate: null, clientKey: null };
  const address = qemuAt(libvirt);
  await hypervisors.update(control.admin, id, { name: "kvm7", address, credentials: forgotten });
  const now = await stateOf(control, { state: "up" });

  assert.notEqual(await control.driverPool.driverOf(id), before);
  await assert.rejects(before.find(uuid, new AbortController().signal));
  assert.deepEqual([now.name, now.address, now.machines], ["kvm7", address, 1]);
  const after = await machineOf(control, uuid, { power: "running" });
  assert.deepEqual([after.id, after.project, after.hypervisor?.name], [machine.id, "default", "kvm7"]);
  const seen = viewer.bytes.length;
  viewer.send(Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 16, 0, 1));
  await eventually(() => assert.ok(viewer.bytes.length > seen, "the console that is open shows more"));
  assert.equal((await control.services.sessions.get(control.admin, sessionId)).state, "active");
  await using _another = await picture(node, (await open(fleet, after)).ticket);
  await libvirt.virsh("destroy", uuid);
  await machineOf(control, uuid, { power: "stopped" });
});

test("where another hypervisor answers nothing is taken for gone, and nothing of it is taken in", {
  skip,
}, async () => {
  const hosts = [randomUUID(), randomUUID()];
  const [one, other] = await Promise.all(
    hosts.map((host) => startLibvirt({ settings: `host_uuid = "${host}"\n` })),
  );
  assert.ok(one !== undefined && other !== undefined);
  await using _one = one;
  await using _other = other;
  const [ours, foreign] = [randomUUID(), randomUUID()];
  await define(one, qemuDomain(ours, VNC, "web"));
  await define(other, qemuDomain(foreign, VNC, "web"));
  await other.virsh("start", foreign);
  await using control = await testControl();
  const { hypervisors } = control.services;
  const id = await add(control, { name: "host7", address: qemuAt(one) });
  const following = followHypervisors(control);
  await using _ = stopping(following);
  const machine = await machineOf(control, ours, {});

  await hypervisors.update(control.admin, id, { address: qemuAt(other) });
  const { problem } = await stateOf(control, { state: "down", problem: /another hypervisor answers/ });
  const tested = await hypervisors.test(control.admin, id);

  for (const host of hosts) assert.match(problem ?? "", new RegExp(host), "it says which it is, and was");
  assert.deepEqual([tested.ok, tested.failedStep], [false, "answer"]);
  assert.deepEqual(
    (await machines(control)).map((each) => [each.id, each.address]),
    [[machine.id, ours]],
  );
  const opening = control.services.consoles.open(control.admin, { machineId: machine.id, api: "native" });
  await assert.rejects(opening, { code: "machine_gone" });
  await hypervisors.update(control.admin, id, { address: qemuAt(one) });
  await stateOf(control, { state: "up" });
  await one.virsh("start", ours);
  assert.equal((await machineOf(control, ours, { power: "running" })).id, machine.id);
});

test("all replicas ask a hypervisor where it is by now, and the one that leads follows it there", {
  skip: skip || lackingPostgres,
}, async () => {
  await using libvirt = await startLibvirt();
  await using opened = await testReplicas(2);
  const [one, two] = opened.replicas;
  assert.ok(one !== undefined && two !== undefined);
  const address = `test:///default?socket=${libvirt.socket}`;
  const id = await add(one, { name: "host7", address: `${address}.not-there` });
  const found = async (replica: OneControl) => {
    const { signal } = new AbortController();
    const driver = await replica.driverPool.ask(id, async (each) => each);
    return (await driver.list(signal)).length;
  };
  for (const replica of [one, two]) await assert.rejects(found(replica), { code: "upstream_unreachable" });
  const following = followHypervisors(two);
  await using _ = stopping(following);
  await stateOf(one, { state: "down", problem: /^socket: / });

  await one.services.hypervisors.update(one.admin, id, { address });

  await eventually(async () => assert.deepEqual([await found(one), await found(two)], [1, 1]));
  await stateOf(two, { state: "up" });
  assert.equal((await machines(two)).length, 1);
});

async function stateOf(
  { services, admin }: OneControl,
  { state, problem = /^$/ }: { readonly state: Hypervisor["state"]; readonly problem?: RegExp },
): Promise<Hypervisor> {
  return await eventually(async () => {
    const [host] = await services.hypervisors.list(admin);
    assert.ok(host !== undefined);
    assert.deepEqual([host.state, problem.test(host.problem ?? "")], [state, true], host.problem);
    return host;
  });
}
