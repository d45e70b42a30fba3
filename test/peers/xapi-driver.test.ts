import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import type { DriverMachine } from "#hypervisors/driver.ts";
import { parseXenAddress } from "#hypervisors/xenserver/address.ts";
import { createXenDriver } from "#hypervisors/xenserver/driver.ts";
import { hypervisorConformance } from "../conformance/drivers.ts";
import { eventually } from "../harness/eventually.ts";
import { ACCOUNTS, startXapi, type XapiMachine, type XapiPool } from "../harness/xapi/pool.ts";
import { type Qemu, lackingQemu as skip, startQemu } from "./qemu.ts";

const { signal } = new AbortController();

hypervisorConformance(
  "xenserver, whose machines are real QEMU",
  async () => {
    const stage = await openStage();
    const { driver, machine } = stage;
    return {
      ...{ driver, machine, name: "büro ☃", absent: randomUUID(), wrongAddress: "web 1" },
      hasLine: true,
      async stop() {
        await driver.power(machine.address, "cut", signal);
        await eventually(async () =>
          assert.equal((await driver.find(machine.address, signal))?.power, "stopped"),
        );
        return machine;
      },
      [Symbol.asyncDispose]: stage[Symbol.asyncDispose],
    };
  },
  skip,
);

/** One machine that runs, as a QEMU that is started and killed as its power is switched. */
async function openStage() {
  const running = new Map<string, Qemu<"vnc">>();
  const boot = async (ref: string) => void running.set(ref, await startQemu({ vnc: {} }));
  const pool = await startXapi({
    vncOf: (ref) => {
      const qemu = running.get(ref);
      return qemu === undefined ? undefined : { host: qemu.host, port: qemu.ports.vnc };
    },
    async power(ref, method) {
      await running.get(ref)?.[Symbol.asyncDispose]();
      running.delete(ref);
      if (!method.endsWith("_shutdown")) await boot(ref);
    },
  });
  const added = pool.add({ name: "büro ☃", os: { distro: "debian", name: "Debian GNU/Linux 12" } });
  await boot(added.ref);
  const driver = driverOf(pool);
  return {
    ...{ pool, driver, added, machine: recordOf(added) },
    async [Symbol.asyncDispose]() {
      await driver[Symbol.asyncDispose]();
      assert.deepEqual(pool.sessions("porthole"), [], "a driver that ends gives its session back");
      await pool[Symbol.asyncDispose]();
      for (const qemu of running.values()) await qemu[Symbol.asyncDispose]();
    },
  };
}

function driverOf(pool: XapiPool) {
  return createXenDriver({
    address: parseXenAddress(pool.address),
    ...{ username: "console", secret: new Secret(ACCOUNTS.console.password), isReadOnly: false },
    trust: { caCertificate: pool.authority.pem },
  });
}

function recordOf({ uuid }: XapiMachine): DriverMachine {
  return {
    ...{ id: randomUUID(), protocol: "rfb", address: uuid, password: undefined, state: "running" },
  };
}

test("a machine's serial line is listed beside its screen", { skip }, async () => {
  await using stage = await openStage();

  const consoles = await stage.driver.consoles(stage.machine.address, signal);

  assert.deepEqual(
    consoles.toSorted((a, b) => a.protocol.localeCompare(b.protocol)),
    [
      { protocol: "rfb", isExclusive: false },
      { protocol: "serial", isExclusive: true },
    ],
  );
});
