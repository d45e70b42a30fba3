import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import type { ConsolePort, ConsolePorts } from "#hypervisors/console-ports.ts";
import {
  type OneControl,
  type TestControl,
  testControl,
  testReplicas,
} from "../../../test/harness/control.ts";
import { lackingPostgres } from "../../../test/harness/postgres.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { createConsolePorts } from "./console-ports.ts";

const PORTS = [5900, 5901, 5902, 5903];

for (const t of onBoth(
  "of a host no port is given to two machines, and there is an end to them",
  async () => {
    await using control = await testControl();
    const ports = portsOf(control);
    const hosts = ["esx-1", "esx-2"];

    const taken = await Promise.all(
      hosts.flatMap((host) => [1, 2, 3, 4].map(async (each) => await take(ports, `${host} ${each}`, host))),
    );

    assert.equal(new Set(taken.map(placeOf)).size, 8);
    assert.equal(await take(ports, "one more", "esx-1"), "full");
    const another = portsOf(control, "another hypervisor");
    assert.equal(placeOf(await take(another, "one more", "esx-1")), "esx-1:5900");
  },
))
  test(...t);

test("replicas that are asked at once give no port to two machines, and one machine no two ports", {
  skip: lackingPostgres,
}, async () => {
  await using world = await testReplicas(2);
  const [one, other] = world.replicas.map((replica) => portsOf(replica));
  assert.ok(one !== undefined && other !== undefined);

  const taken = await Promise.all(
    ["a", "b", "c"].flatMap((machine) => [take(one, machine, "esx-1"), take(other, machine, "esx-1")]),
  );

  assert.equal(new Set(taken.map(placeOf)).size, 3);
  assert.equal(await take(one, "d", "esx-1").then(placeOf), "esx-1:5903");
});

for (const t of onBoth(
  "a machine keeps its port and password while somebody looks, and is given none while they are taken off it",
  async () => {
    await using control = await testControl();
    const { clock, services, admin } = control;
    const ports = portsOf(control);
    const first = await lent(control);
    const { address } = first;
    assert.equal(await ports.leave(address), "kept", "it has none");
    const before = await take(ports, address, "esx-1");

    assert.equal(exposed(await take(ports, address, "esx-1")), exposed(before));
    assert.equal(exposed(await ports.of(address)), exposed(before));
    assert.equal(await ports.leave(address), "kept");
    await services.sessions.end(admin, first.sessionId);
    assert.equal(await ports.leave(address), "closing");
    assert.equal(await ports.leave(address), "busy");
    assert.equal(await take(ports, address, "esx-1"), "closing");
    assert.equal(await ports.of(address), undefined);
    await ports.free(address);
    const after = await take(ports, address, "esx-1");
    assert.notEqual(exposed(after), exposed(before));

    // Whoever was to take it off has died.
    assert.equal(await ports.leave(address), "closing");
    clock.advance(20_000);
    const taken = await take(ports, address, "esx-1");
    assert.notEqual(exposed(taken), exposed(after));
    await ports.free(address);
    assert.equal(exposed(await ports.of(address)), exposed(taken), "not what somebody has taken meanwhile");
  },
))
  test(...t);

for (const t of onBoth("a machine that runs on another host now has a port of that one", async () => {
  await using control = await testControl();
  const ports = portsOf(control);
  await take(ports, "web", "esx-1");

  assert.equal(placeOf(await take(ports, "web", "esx-2")), "esx-2:5900");

  assert.equal(placeOf(await take(ports, "db", "esx-1")), "esx-1:5900");
}))
  test(...t);

for (const t of onBoth("the database alone does not say by which password a console opens", async () => {
  await using control = await testControl();
  const ports = portsOf(control);
  const taken = await take(ports, "web", "esx-1");
  assert.ok(typeof taken !== "string");

  const rows = await control.store.db.selectFrom("console_ports").selectAll().execute();

  assert.equal(rows.length, 1);
  assert.ok(!JSON.stringify(rows).includes(taken.password.expose()));
}))
  test(...t);

const HYPERVISOR = "vcenter";

function portsOf({ store, installation: { vault } }: OneControl, hypervisorId = HYPERVISOR): ConsolePorts {
  return createConsolePorts({ store, vault }, hypervisorId);
}

async function take(ports: ConsolePorts, machine: string, host: string) {
  return await ports.take({ machine, host, ports: PORTS, password: new Secret(randomUUID()) });
}

function placeOf(taken: ConsolePort | string): string {
  return typeof taken === "string" ? taken : `${taken.host}:${taken.port}`;
}

function exposed(taken: ConsolePort | string | undefined): string {
  return typeof taken === "object" ? `${placeOf(taken)} ${taken.password.expose()}` : String(taken);
}

/** A machine, and a session that was lent its console. */
async function lent({ services, admin, node, machine, store }: TestControl) {
  await node();
  const { id: machineId, address = "" } = await machine();
  const { sessionId } = await services.consoles.open(admin, { machineId, api: "native" });
  const lease = { id: randomUUID(), session_id: sessionId, hypervisor_id: HYPERVISOR, lease_sealed: "" };
  await store.db
    .insertInto("console_leases")
    .values({ ...lease, attempts: 0, next_attempt_at: 0 })
    .execute();
  return { sessionId, address };
}
