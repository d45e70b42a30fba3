import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { pino } from "pino";
import { Secret } from "#base/secret.ts";
import type { Driver, DriverMachine, KeepLease, Lent } from "#hypervisors/driver.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { type TestControl, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { createLeases } from "./leases.ts";

const UPSTREAM = { address: { kind: "tcp", host: "192.0.2.1", port: 443 } } as const;

for (const t of onBoth(
  "what was lent is given back once its session is over, once, and not before",
  async () => {
    await using control = await testControl();
    const stage = stageOf(control);
    const sessionId = await session(control);

    assert.deepEqual(await stage.lend(sessionId, "kvm-1", "lent-1"), UPSTREAM);
    assert.deepEqual(await stage.settle(), { released: 0, dropped: 0 });
    await end(control, sessionId);

    assert.deepEqual(await stage.settle(), { released: 1, dropped: 0 });
    assert.deepEqual(await stage.settle(), { released: 0, dropped: 0 });
    assert.deepEqual(stage.released, ["kvm-1 lent-1"]);
  },
))
  test(...t);

for (const t of onBoth("what was lent for a session that nobody knows any more is given back", async () => {
  await using control = await testControl();
  const stage = stageOf(control);
  await stage.lend(randomUUID(), "kvm-1", "lent-1");

  assert.deepEqual(await stage.settle(), { released: 1, dropped: 0 });
}))
  test(...t);

for (const t of onBoth("the database alone does not say what was lent", async () => {
  await using control = await testControl();
  const stage = stageOf(control);
  await stage.lend(await session(control), "kvm-1", "OpaqueRef:7");

  const rows = await control.store.db.selectFrom("console_leases").selectAll().execute();

  assert.equal(rows.length, 1);
  assert.doesNotMatch(JSON.stringify(rows), /OpaqueRef/);
}))
  test(...t);

for (const t of onBoth(
  "a hypervisor that takes nothing back is asked once a round, later and later, and given up in the end",
  async () => {
    await using control = await testControl();
    const stage = stageOf(control);
    for (const lease of ["a", "b"]) await stage.lend(randomUUID(), "silent", lease);
    await stage.lend(randomUUID(), "kvm-1", "c");
    stage.failures.set("silent", "upstream_timeout");

    assert.deepEqual(await stage.settle(), { released: 1, dropped: 0 });
    assert.deepEqual(stage.asked, { silent: 1, "kvm-1": 1 });
    assert.deepEqual(await stage.settle(), { released: 0, dropped: 0 });
    assert.equal(stage.asked["silent"], 1, "not at once again");
    control.clock.advance(5_000);
    await stage.settle();
    assert.equal(stage.asked["silent"], 2);

    let [dropped, rounds] = [0, 0];
    while (dropped === 0 && rounds++ < 100) {
      control.clock.advance(10 * 60_000);
      ({ dropped } = await stage.settle());
    }
    assert.equal(dropped, 2);
    assert.ok((stage.asked["silent"] ?? 0) < 60);
    assert.deepEqual(stage.released, ["kvm-1 c"]);
  },
))
  test(...t);

for (const t of onBoth("what a hypervisor does not take back keeps none of what else it lent", async () => {
  await using control = await testControl();
  const stage = stageOf(control);
  for (let lease = 0; lease < 12; lease += 1) {
    const refused = lease < 5 ? "refused" : "lent";
    await stage.lend(randomUUID(), "kvm-1", `${refused}-${lease}`);
  }

  for (let round = 0; round < 10; round += 1) {
    await stage.settle();
    control.clock.advance(10 * 60_000);
  }

  assert.deepEqual(
    new Set(stage.released),
    new Set([5, 6, 7, 8, 9, 10, 11].map((lease) => `kvm-1 lent-${lease}`)),
  );
  assert.ok((stage.asked["kvm-1"] ?? 0) <= 7 + 10 * 3, "and it is not asked for ever");
}))
  test(...t);

for (const t of onBoth("what a hypervisor that is forgotten lent is forgotten with it", async () => {
  await using control = await testControl();
  const stage = stageOf(control);
  await stage.lend(randomUUID(), "gone", "a");
  stage.failures.set("gone", "machine_gone");

  assert.deepEqual(await stage.settle(), { released: 0, dropped: 1 });
  assert.deepEqual(await stage.settle(), { released: 0, dropped: 0 });
}))
  test(...t);

for (const t of onBoth(
  "what a hypervisor is about to lend is on record before it does, and is given back though nothing came of it",
  async () => {
    await using control = await testControl();
    const stage = stageOf(control);
    const sessionId = await session(control);

    const lending = stage.lendBy(sessionId, "kvm-1", async (keep) => {
      await keep(new Secret("lent-1"));
      assert.equal((await control.store.db.selectFrom("console_leases").selectAll().execute()).length, 1);
      throw new GatewayError("upstream_timeout");
    });

    await assert.rejects(lending, { code: "upstream_timeout" });
    assert.deepEqual(await stage.settle(), { released: 0, dropped: 0 });
    await end(control, sessionId);
    assert.deepEqual(await stage.settle(), { released: 1, dropped: 0 });
    assert.deepEqual(stage.released, ["kvm-1 lent-1"]);
  },
))
  test(...t);

for (const t of onBoth(
  "what cannot be written down is given back at once, and nobody is let in by it",
  async () => {
    await using control = await testControl();
    const stage = stageOf(control);
    await control.store.db.schema.dropTable("console_leases").execute();

    await assert.rejects(stage.lend(randomUUID(), "kvm-1", "lent-1"));

    assert.deepEqual(stage.released, ["kvm-1 lent-1"]);
  },
))
  test(...t);

/** Drivers that lend what the test says, and a pool that notes what comes back. */
function stageOf({ store, installation: { vault } }: TestControl) {
  const released: string[] = [];
  const asked: Record<string, number> = {};
  const failures = new Map<string, "upstream_timeout" | "machine_gone">();
  const leases = createLeases({
    ...{ store, vault, log: pino({ level: "silent" }) },
    async release(id, lease) {
      asked[id] = (asked[id] ?? 0) + 1;
      const failure = failures.get(id);
      if (failure !== undefined) throw new GatewayError(failure);
      if (lease.expose().startsWith("refused")) throw new GatewayError("upstream_refused");
      released.push(`${id} ${lease.expose()}`);
    },
  });
  const stage = {
    ...{ released, asked, failures },
    settle: async () => await leases.settle(),
    lend: async (sessionId: string, hypervisorId: string, lease: string) =>
      await stage.lendBy(sessionId, hypervisorId, async () => ({
        upstream: UPSTREAM,
        lease: new Secret(lease),
      })),
    async lendBy(sessionId: string, hypervisorId: string, lend: (keep: KeepLease) => Promise<Lent>) {
      const machine: DriverMachine = {
        ...{ id: randomUUID(), protocol: "rfb", address: "web", password: undefined, state: "running" },
        hypervisorId,
      };
      const driver: Driver = {
        parseAddress: (text) => text,
        check: async () => ({ running: true, protocols: ["rfb"] }),
        resolve: async () => UPSTREAM,
        lend: async (_, keep) => await lend(keep),
      };
      return await leases.lend(driver, machine, sessionId);
    },
  };
  return stage;
}

async function session({ services, admin, node, machine }: TestControl): Promise<string> {
  await node();
  const { id: machineId } = await machine();
  return (await services.consoles.open(admin, { machineId, api: "native" })).sessionId;
}

async function end({ services, admin }: TestControl, sessionId: string): Promise<void> {
  await services.sessions.end(admin, sessionId);
}
