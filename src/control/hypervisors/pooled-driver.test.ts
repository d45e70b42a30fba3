import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import type { HypervisorDriver } from "#hypervisors/driver.ts";
import { testControl } from "../../../test/harness/control.ts";
import { hypervisor } from "../../../test/harness/inventory-stage.ts";
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
