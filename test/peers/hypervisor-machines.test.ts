import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { limits as poolLimits } from "#control/hypervisors/driver-pool.ts";
import { followHypervisors } from "#control/hypervisors/follow-all.ts";
import { testControl, testReplicas } from "../harness/control.ts";
import { eventually } from "../harness/eventually.ts";
import { onFreePort } from "../harness/free-port.ts";
import { lackingPostgres } from "../harness/postgres.ts";
import { startFleet } from "../harness/test-fleet.ts";
import {
  add,
  endingOf,
  machineOf,
  machines,
  open,
  PATIENT,
  picture,
  qemuAt,
  record,
  startSilent,
  stopping,
  taken,
} from "./hypervisor-stage.ts";
import { lackingLibvirt as skip, startLibvirt } from "./libvirt.ts";
import { define, qemuDomain, testDomain, testDriver } from "./libvirt-domains.ts";

const { signal } = new AbortController();

test("a machine of libvirt's comes by itself, opens in a node, and its session ends when it is destroyed", {
  skip,
}, async () => {
  await using libvirt = await startLibvirt();
  await using fleet = await startFleet();
  const node = await fleet.start({ deadlines: PATIENT });
  const { control } = fleet;
  await add(control, { name: "host7", address: qemuAt(libvirt) });
  const following = followHypervisors(control);
  await using _ = stopping(following);
  const uuid = randomUUID();

  await define(
    libvirt,
    qemuDomain(uuid, "<graphics type='vnc' autoport='yes' listen='127.0.0.1' passwd='geheim'/>", "web"),
  );
  const stopped = await machineOf(control, uuid, { name: "web", power: "stopped", state: "stopped" });
  await assert.rejects(open(fleet, stopped), { code: "machine_not_running" });
  await libvirt.virsh("start", uuid);
  const machine = await machineOf(control, uuid, { power: "running", state: "running" });
  const { sessionId, ticket } = await open(fleet, machine);
  await using viewer = await picture(node, ticket);
  await libvirt.virsh("destroy", uuid);

  await viewer.untilClosed();
  assert.equal(await endingOf(control, sessionId), "machine_not_running");
  await machineOf(control, uuid, { power: "stopped", state: "stopped" });
  await libvirt.virsh("undefine", uuid);
  await eventually(async () => assert.deepEqual(await machines(control), []));
  const { items } = await control.services.audit.list(control.admin, { action: "machine.remove" });
  assert.equal(items[0]?.detail, "hypervisor host7 has it no more");
});

test("a deleted machine's port that serves another opens nothing", { skip }, async () => {
  await using libvirt = await startLibvirt();
  await using fleet = await startFleet();
  const node = await fleet.start();
  const { control } = fleet;
  const id = await add(control, { name: "host7", address: qemuAt(libvirt) });
  const driver = await control.driverPool.driverOf(id);
  const [deleted, other] = [randomUUID(), randomUUID()];
  const port = await onFreePort(async (free) => {
    await define(
      libvirt,
      qemuDomain(deleted, `<graphics type='vnc' port='${free}' autoport='no' listen='127.0.0.1'/>`),
    );
    await libvirt.virsh("start", deleted);
    return free;
  });
  // Nobody follows: what the database has of the machine is as old as can be.
  await control.inventory.takeAll(id, await driver.list(signal));
  const machine = await machineOf(control, deleted, { power: "running" });
  const { ticket, sessionId } = await open(fleet, machine);
  const seen = await open(fleet, machine);
  // Not left open: when a console closes by itself, control asks what became of its machine.
  await (await picture(node, seen.ticket))[Symbol.asyncDispose]();

  await libvirt.virsh("destroy", deleted);
  await libvirt.virsh("undefine", deleted);
  await define(
    libvirt,
    qemuDomain(other, `<graphics type='vnc' port='${port}' autoport='no' listen='127.0.0.1'/>`),
  );
  await libvirt.virsh("start", other);

  const { address } = await driver.resolve({ ...record(other), hypervisorId: id });
  assert.deepEqual(address, { kind: "tcp", host: "127.0.0.1", port }, "the other has its port");
  await assert.rejects(picture(node, ticket));
  assert.equal(await endingOf(control, sessionId), "machine_gone");
  await assert.rejects(open(fleet, machine), { code: "machine_gone" });
});

test("what a hypervisor is to be asked again for is given to no node ahead", { skip }, async () => {
  await using libvirt = await startLibvirt();
  await using control = await testControl();
  await control.node();
  await control.services.settings.set(control.admin, "console.offline.policy", "accept");
  const address = `${testDriver(libvirt, [testDomain({ uuid: randomUUID(), name: "vm" })])}?socket=${libvirt.socket}`;
  const id = await add(control, { name: "host7", address });
  const driver = await control.driverPool.driverOf(id);
  await control.inventory.takeAll(id, await driver.list(signal));
  const [taken] = await machines(control);
  const manual = await control.machine();

  for (const machineId of [taken?.id ?? "", manual.id])
    await control.services.consoles.open(control.admin, { machineId, api: "native" });

  const rows = await control.store.db
    .selectFrom("sessions")
    .select(["machine_id", "offline_grant"])
    .execute();
  const given = new Map(rows.map((row) => [row.machine_id, row.offline_grant]));
  assert.deepEqual([given.get(taken?.id ?? ""), given.get(manual.id)], [null, 1]);
});

test("of a hypervisor that is away nothing is taken for gone, and it is followed again when it is back", {
  skip,
}, async () => {
  await using libvirt = await startLibvirt();
  await using control = await testControl();
  const [kept, deleted, made] = [randomUUID(), randomUUID(), randomUUID()];
  for (const uuid of [kept, deleted]) await define(libvirt, qemuDomain(uuid, ""));
  await add(control, { name: "host7", address: qemuAt(libvirt) });
  const following = followHypervisors(control);
  await using _ = stopping(following);
  const before = await machineOf(control, kept, { power: "stopped" });
  await machineOf(control, deleted, {});

  await libvirt.leave();
  await eventually(async () => {
    const [host] = await control.services.hypervisors.list(control.admin);
    assert.equal(host?.state, "down");
    assert.match(host?.problem ?? "", /^(socket|answer): /);
    assert.equal(host?.machines, 2);
  });
  await assert.rejects(
    control.services.consoles.open(control.admin, { machineId: before.id, api: "native" }),
    {
      code: "upstream_unreachable",
    },
  );
  await libvirt.comeBack();
  await libvirt.virsh("undefine", deleted);
  await define(libvirt, qemuDomain(made, ""));

  await machineOf(control, made, { power: "stopped" });
  await eventually(async () => {
    const addresses = (await machines(control)).map(({ address }) => address);
    assert.deepEqual(addresses.toSorted(), [kept, made].toSorted());
  });
  assert.equal((await machineOf(control, kept, {})).id, before.id, "it is the same machine still");
  const [host] = await control.services.hypervisors.list(control.admin);
  assert.deepEqual([host?.state, host?.problem], ["up", undefined]);
});

test("a hypervisor that accepts and never answers keeps nobody waiting who wants another's machine", {
  skip,
}, async () => {
  await using libvirt = await startLibvirt();
  await using silent = await startSilent();
  await using fleet = await startFleet();
  const node = await fleet.start();
  const { control } = fleet;
  const uuid = randomUUID();
  await define(libvirt, qemuDomain(uuid, "<graphics type='vnc' autoport='yes' listen='127.0.0.1'/>"));
  await libvirt.virsh("start", uuid);
  const hung = await add(control, { name: "hung", address: `test:///default?socket=${silent.path}` });
  const [lost] = await taken(control, hung);
  await add(control, { name: "good", address: qemuAt(libvirt) });
  const following = followHypervisors(control);
  await using _ = stopping(following);
  const machine = await machineOf(control, uuid, { power: "running" });

  let given = 0;
  const more = poolLimits.consolesAtOnce + poolLimits.consolesWaiting + 50;
  const asked = Array.from({ length: more }, async () => {
    const code = await open(fleet, lost).then(
      () => "open",
      (error: { code?: string }) => error.code,
    );
    given += 1;
    return code;
  });
  await eventually(() => assert.ok(silent.connections > 0));
  const isRefused = (code: string | undefined) => code === "upstream_timeout";
  const before = given;
  for (let times = 0; times < 5; times += 1) {
    const { ticket } = await open(fleet, machine);
    await using _viewer = await picture(node, ticket);
  }

  // Those who are too many are told so at once, and the others still wait.
  assert.ok(before < asked.length, "some wait while the good one's consoles open");
  assert.ok((await Promise.all(asked)).every(isRefused));
  const hosts = await control.services.hypervisors.list(control.admin);
  assert.equal(hosts.find(({ name }) => name === "good")?.state, "up");
});

test("one replica follows, and another goes on when it stops", {
  skip: skip || lackingPostgres,
}, async () => {
  await using libvirt = await startLibvirt();
  await using opened = await testReplicas(2);
  const [one, two] = opened.replicas;
  assert.ok(one !== undefined && two !== undefined);
  await add(one, { name: "host7", address: qemuAt(libvirt) });
  const leading = followHypervisors(one);
  const [first, second] = [randomUUID(), randomUUID()];
  await define(libvirt, qemuDomain(first, ""));
  await machineOf(one, first, {});

  await leading.stop();
  const next = followHypervisors(two);
  await using _ = stopping(next);
  await define(libvirt, qemuDomain(second, ""));

  await machineOf(two, second, {});
  assert.equal((await machines(one)).length, 2);
});

test("a thousand machines of libvirt's are taken in, and come out as they went in", { skip }, async () => {
  await using libvirt = await startLibvirt();
  await using control = await testControl();
  const uuids = Array.from({ length: 1_000 }, () => randomUUID());
  const domains = uuids.map((uuid, index) => testDomain({ uuid, name: `vm${index}` }));
  await add(control, { name: "host7", address: `${testDriver(libvirt, domains)}?socket=${libvirt.socket}` });
  const following = followHypervisors(control);
  await using _ = stopping(following);

  await eventually(async () => {
    const [host] = await control.services.hypervisors.list(control.admin);
    assert.deepEqual([host?.state, host?.machines], ["up", 1_000]);
  });
  const all = await machines(control);
  assert.deepEqual(all.map(({ address }) => address).toSorted(), uuids.toSorted());
});
