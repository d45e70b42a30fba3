import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import type { HypervisorDriver, KnownMachine } from "#hypervisors/driver.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { testControl } from "../../../test/harness/control.ts";
import { hypervisor, known, machines } from "../../../test/harness/inventory-stage.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { createPooledDriver } from "./pooled-driver.ts";

test("what a hypervisor lends when nobody waits for it any more is given back at once", async () => {
  await using control = await testControl();
  const { store, inventory, installation } = control;
  const hypervisorId = await hypervisor(control);
  const released: string[] = [];
  const upstream = { address: { kind: "tcp", host: "192.0.2.1", port: 443 } } as const;
  // Of all that a driver does, nothing else is asked for.
  const lender = {
    lend: async () => ({ upstream, lease: new Secret("lent-1") }),
    release: async (lease: Secret) => void released.push(lease.expose()),
  } as unknown as HypervisorDriver;
  const open = async (deadline: AbortSignal) => {
    const pool = {
      ask: async <Result>(
        _id: string,
        question: (driver: HypervisorDriver, signal: AbortSignal) => Promise<Result>,
      ) => await question(lender, deadline),
    };
    const driver = createPooledDriver(pool, { store, inventory, vault: installation.vault });
    const machine = { id: randomUUID(), protocol: "rfb", address: "web", state: "running" } as const;
    await driver.lend?.({ ...machine, password: undefined, hypervisorId }, async () => {});
  };

  await open(new AbortController().signal);
  assert.deepEqual(released, []);
  await open(AbortSignal.abort());

  assert.deepEqual(released, ["lent-1"]);
});

for (const t of onBoth(
  "a hypervisor that does not answer hides neither that a machine is stopped, nor where it runs",
  async () => {
    await using control = await testControl();
    const { store, inventory, installation } = control;
    const rules = [{ name: "*", project: "default" }];
    const here = await hypervisor(control, { rules });
    const silent = await hypervisor(control, { name: "host8" });
    const there = await hypervisor(control, { name: "host9" });
    const machine = known("web");
    // On each of the others a definition of it has been left.
    for (const id of [here, silent, there]) await inventory.takeAll(id, [{ ...machine, power: "stopped" }]);
    const [{ id } = { id: "" }] = await machines(control);
    const says = new Map<string, KnownMachine>(
      [here, there].map((each) => [each, { ...machine, power: "stopped" }]),
    );
    const pool = {
      ask: async <Result>(
        asked: string,
        question: (driver: HypervisorDriver, signal: AbortSignal) => Promise<Result>,
      ) => {
        const found = says.get(asked);
        if (found === undefined) throw new GatewayError("upstream_timeout");
        // Of all that a driver does, nothing else is asked for.
        const driver = {
          check: async () => ({ running: found.power !== "stopped", protocols: ["rfb"] }),
          find: async () => found,
        } as unknown as HypervisorDriver;
        return await question(driver, new AbortController().signal);
      },
    };
    const driver = createPooledDriver(pool, { store, inventory, vault: installation.vault });
    const asked = {
      id,
      protocol: "rfb",
      address: machine.address,
      password: undefined,
      state: "running",
    } as const;
    const check = async () => (await driver.check({ ...asked, hypervisorId: here })).running;

    assert.equal(await check(), false);
    says.set(there, machine);

    assert.equal(await check(), true);
    assert.equal((await machines(control))[0]?.hypervisor?.name, "host9");
  },
))
  test(...t);
