import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { Machine } from "#wire/api.ts";
import { type OneControl, type TestNode, testControl } from "../harness/control.ts";
import { onFreePort } from "../harness/free-port.ts";
import { onBoth } from "../harness/test-database.ts";
import { add, machineOf, qemuAt } from "./hypervisor-stage.ts";
import { type Libvirt, lackingLibvirt as skip, startLibvirt } from "./libvirt.ts";
import { define, qemuDomain, testDomain, testDriver } from "./libvirt-domains.ts";

const { signal } = new AbortController();

for (const [title, { skip: lacking }, run] of onBoth(
  "of two machines whose hypervisor names one port at the same time neither is opened",
  async () => {
    await using libvirt = await startLibvirt();
    await using control = await testControl();
    const node = await control.node();
    // The test driver has both run, and has both listen where their XML says: at one port.
    const uuids = [randomUUID(), randomUUID(), randomUUID()];
    const domains = uuids.slice(0, 2).map((uuid) => testDomain({ uuid, name: uuid }));
    domains.push(testDomain({ uuid: uuids[2] ?? "", name: "elsewhere" }).replace("'5901'", "'5902'"));
    const address = `${testDriver(libvirt, domains)}?socket=${libvirt.socket}`;
    const [one, other, elsewhere] = await takenIn(control, { name: "host7", address, uuids });

    const [first, second] = await Promise.all([redeemed(control, node, one), redeemed(control, node, other)]);
    const third = await redeemed(control, node, elsewhere);

    // Whichever came first was given its grant, and is ended by the one that came second.
    assert.deepEqual([first.refusal, second.refusal].filter(Boolean), ["upstream_contested"]);
    for (const { sessionId } of [first, second])
      assert.equal(await codeOf(control, sessionId), "upstream_contested");
    assert.deepEqual([third.refusal, await codeOf(control, third.sessionId)], [undefined, null]);
  },
))
  test(title, { skip: skip || lacking }, run);

test("a machine at whose port another's session is said to be open opens, and the other ends with what became of its own", {
  skip,
}, async () => {
  await using libvirt = await startLibvirt();
  await using control = await testControl();
  const node = await control.node();
  const uuids = [randomUUID(), randomUUID()] as const;
  const at = (port: number) => `<graphics type='vnc' port='${port}' autoport='no' listen='127.0.0.1'/>`;
  const port = await onFreePort(async (free) => {
    await define(libvirt, qemuDomain(uuids[0], at(free)));
    await libvirt.virsh("start", uuids[0]);
    return free;
  });
  await define(libvirt, qemuDomain(uuids[1], at(port)));
  const [earlier, later] = await takenIn(control, { name: "host7", address: qemuAt(libvirt), uuids });
  const first = await redeemed(control, node, earlier);
  const again = await redeemed(control, node, earlier);
  await libvirt.virsh("destroy", uuids[0]);
  await libvirt.virsh("start", uuids[1]);

  const second = await redeemed(control, node, later);

  assert.deepEqual([first.refusal, again.refusal, second.refusal], [undefined, undefined, undefined]);
  for (const { sessionId } of [first, again])
    assert.equal(await codeOf(control, sessionId), "machine_not_running");
  assert.equal(await codeOf(control, second.sessionId), null);
});

test("a machine at whose port another was that has moved to another hypervisor opens at once", {
  skip,
}, async () => {
  await using libvirt = await startLibvirt();
  await using control = await testControl();
  const node = await control.node();
  const uuids = [randomUUID(), randomUUID()] as const;
  const at = (port: number) => `<graphics type='vnc' port='${port}' autoport='no' listen='127.0.0.1'/>`;
  const port = await onFreePort(async (free) => {
    await define(libvirt, qemuDomain(uuids[0], at(free)));
    await libvirt.virsh("start", uuids[0]);
    return free;
  });
  await define(libvirt, qemuDomain(uuids[1], at(port)));
  const [moving, later] = await takenIn(control, { name: "host7", address: qemuAt(libvirt), uuids });
  const first = await redeemed(control, node, moving);
  await libvirt.virsh("destroy", uuids[0]);
  await libvirt.virsh("start", uuids[1]);
  // Where it runs by now; and nobody has told of it yet.
  const elsewhere = testDriver(libvirt, [testDomain({ uuid: uuids[0], name: "moved" })]);
  const id = await add(control, { name: "host8", address: `${elsewhere}?socket=${libvirt.socket}` });
  const driver = await control.driverPool.driverOf(id);
  await control.inventory.takeAll(id, await driver.list(signal));

  const second = await redeemed(control, node, later);

  assert.deepEqual([first.refusal, second.refusal], [undefined, undefined]);
  assert.equal(await codeOf(control, first.sessionId), "machine_moved");
  assert.equal(await codeOf(control, second.sessionId), null);
});

test("what only its own machine reaches is another place on another node", { skip }, async () => {
  await using libvirt = await startLibvirt();
  await using control = await testControl();
  const nodes = [await control.node({ maximumSessions: 1 }), await control.node()] as const;
  const uuids = [randomUUID(), randomUUID()];
  const address = `${testDriver(
    libvirt,
    uuids.map((uuid) => testDomain({ uuid, name: uuid })),
  )}?socket=${libvirt.socket}`;
  const [one, other] = await takenIn(control, { name: "host7", address, uuids });

  const results = [await redeemed(control, nodes[0], one), await redeemed(control, nodes[1], other)];

  for (const { sessionId, refusal } of results)
    assert.deepEqual([refusal, await codeOf(control, sessionId)], [undefined, null]);
});

test("while the hypervisor of whoever is open at a port cannot be asked, nobody else's opens there, and that one stays", {
  skip,
}, async () => {
  await using here = await startLibvirt();
  await using there = await startLibvirt();
  await using control = await testControl();
  const node = await control.node();
  const taken = async (name: string, libvirt: Libvirt) => {
    const uuid = randomUUID();
    const address = `${testDriver(libvirt, [testDomain({ uuid, name })])}?socket=${libvirt.socket}`;
    return (await takenIn(control, { name, address, uuids: [uuid] }))[0];
  };
  const [earlier, later] = [await taken("host7", here), await taken("host8", there)];
  const first = await redeemed(control, node, earlier);
  await here.leave();

  const second = await redeemed(control, node, later);
  await here.comeBack();

  assert.deepEqual([first.refusal, second.refusal], [undefined, "upstream_contested"]);
  assert.equal(await codeOf(control, first.sessionId), null);
  assert.equal(await codeOf(control, second.sessionId), "upstream_contested");
});

test("machines that an operator registered twice on purpose both open", async () => {
  await using control = await testControl();
  const node = await control.node();
  const address = "192.0.2.7:5901";
  const [one, other] = [await control.machine({ address }), await control.machine({ name: "same", address })];

  const results = [await redeemed(control, node, one), await redeemed(control, node, other)];

  for (const { sessionId, refusal } of results)
    assert.deepEqual([refusal, await codeOf(control, sessionId)], [undefined, null]);
});

/** Nobody follows the hypervisor: what is on record is as old as can be. */
async function takenIn(
  control: OneControl,
  { uuids, ...host }: { readonly name: string; readonly address: string; readonly uuids: readonly string[] },
) {
  const id = await add(control, host);
  const driver = await control.driverPool.driverOf(id);
  await control.inventory.takeAll(id, await driver.list(signal));
  // Of one that is not running yet nothing is known but that it is there.
  await control.store.db.updateTable("machines").set({ state: "running" }).execute();
  const found = await Promise.all(uuids.map(async (uuid) => await machineOf(control, uuid, {})));
  return found as [Machine, Machine, Machine];
}

async function redeemed(control: OneControl, node: TestNode, { id: machineId }: Machine) {
  const { sessionId } = await control.services.consoles.open(control.admin, { machineId, api: "native" });
  const refusal = await control.link
    .redeem(node.id, {
      incarnation: node.incarnation,
      sessionId,
      attachment: 1,
      viewerAddress: "198.51.100.7",
    })
    .then(
      () => undefined,
      (error: { code?: string }) => error.code,
    );
  return { sessionId, refusal };
}

async function codeOf({ store }: OneControl, sessionId: string): Promise<string | null> {
  const { ending_code: code } = await store.db
    .selectFrom("sessions")
    .select("ending_code")
    .where("id", "=", sessionId)
    .executeTakeFirstOrThrow();
  return code;
}
