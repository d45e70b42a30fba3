import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { createCommandDriver } from "#hypervisors/command/driver.ts";
import type { DriverMachine } from "#hypervisors/driver.ts";
import { HypervisorError } from "#hypervisors/hypervisor-error.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { hypervisorConformance } from "../conformance/drivers.ts";
import { eventually } from "../harness/eventually.ts";
import { scratch } from "../harness/scratch.ts";
import { startFleet } from "../harness/test-fleet.ts";
import { INTO_DEFAULT, machineOf } from "./hypervisor-stage.ts";
import { atLine, attached, openLine, saw, typeInto } from "./line-stage.ts";
import { guestFolder, KERNEL_OPTIONS, lackingGuest, limits, lackingQemu as skip } from "./qemu.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/qemu-folder.mjs", import.meta.url));
const { signal } = new AbortController();

hypervisorConformance(
  "command, with real QEMU",
  async () => {
    const { driver, machine, ...opened } = await openExample();
    await driver.power(machine.address, "start", signal);
    return {
      ...{ driver, machine, name: "büro ☃", absent: "web-2", wrongAddress: "web 1", hasLine: true },
      stop: async () => {
        await driver.power(machine.address, "cut", signal);
        await eventually(async () =>
          assert.equal((await driver.find(machine.address, signal))?.power, "stopped"),
        );
        return machine;
      },
      [Symbol.asyncDispose]: opened[Symbol.asyncDispose],
    };
  },
  skip,
);

test("command: QEMU's VNC is where the example says, and greets", { skip }, async () => {
  await using under = await openExample();
  const { driver, machine } = under;
  await assert.rejects(driver.resolve(machine), { code: "machine_not_running" });
  await driver.power(machine.address, "start", signal);

  const { address } = await driver.resolve(machine);

  assert.ok(address.kind === "unix");
  const socket = connect(address.path);
  for await (const chunk of socket) {
    assert.match(String(chunk), /^RFB 003\.008\n/);
    break;
  }
});

test("command: the serial line of the example's machine is a guest's, typed into and watched through a node", {
  skip: lackingGuest,
}, async () => {
  await using fleet = await startFleet();
  const { control } = fleet;
  const { services, admin } = control;
  await using files = writeExample(control.folder, [
    ...["-m", "128", "-kernel", join(guestFolder, "vmlinuz"), "-initrd", join(guestFolder, "initrd.gz")],
    ...["-append", KERNEL_OPTIONS],
  ]);
  await services.settings.set(admin, "upstream.allow", `unix:${files.machines}/*`);
  const node = await fleet.start();
  const { id } = await services.hypervisors.add(admin, {
    ...{ name: "folder", platform: "command", address: `qemu-folder.mjs:${files.machines}` },
    rules: INTO_DEFAULT,
  });
  const driver = await control.driverPool.driverOf(id);
  await driver.power("web-1", "start", signal);
  await using _ = { [Symbol.asyncDispose]: async () => await driver.power("web-1", "cut", signal) };
  await control.inventory.takeAll(id, await driver.list(signal));
  const machine = await machineOf(control, "web-1", { power: "running" });
  assert.deepEqual(machine.protocols, ["rfb", "serial"]);

  await using writer = await attached(await atLine(node, (await openLine(fleet, machine)).ticket));
  await saw(writer, "GUEST-READY", { withinMs: limits.bootMs });
  await typeInto(writer, "first");
  await using watcher = await attached(await atLine(node, (await openLine(fleet, machine)).ticket));
  await typeInto(writer, "second");

  await saw(watcher, "second-42");
});

test("command: the example says which of its files cannot be read, and that its folder is not there", async () => {
  await using under = await openExample();
  const said = async () => {
    const error = await under.driver.list(signal).catch((failure: unknown) => failure);
    assert.ok(error instanceof GatewayError && error.cause instanceof HypervisorError, String(error));
    return `${error.cause.step}: ${error.cause.message}`;
  };

  writeFileSync(join(under.machines, "broken.json"), "{");
  assert.match(await said(), /^command: broken\.json cannot be read/);
  rmSync(under.machines, { recursive: true });
  assert.match(await said(), /^command: ENOENT/);
});

/** The example as an operator would have it, with one machine that is off. */
function writeExample(folder: string, qemu: readonly string[]) {
  const drivers = join(folder, "commands");
  // The path of a socket has few characters.
  const machines = scratch();
  mkdirSync(drivers, { recursive: true, mode: 0o755 });
  copyFileSync(EXAMPLE, join(drivers, "qemu-folder.mjs"));
  const args = ["-accel", "tcg", "-M", "pc", "-nodefaults", "-vga", "std", ...qemu];
  writeFileSync(
    join(machines.path, "web-1.json"),
    JSON.stringify({ name: "büro ☃", guest: "linux", qemu: args }),
  );
  return {
    ...{ drivers, machines: machines.path },
    [Symbol.asyncDispose]: async () => await machines[Symbol.asyncDispose](),
  };
}

async function openExample() {
  const folder = scratch();
  const files = writeExample(folder.path, ["-m", "16"]);
  const { drivers, machines } = files;
  const driver = createCommandDriver(
    {
      ...{ name: "qemu-folder.mjs", target: machines, isReadOnly: false },
      place: {
        directory: drivers,
        env: process.env,
        onComplaint: ({ said }) => assert.fail(`it complains: ${said}`),
      },
    },
    { pollMs: 200 },
  );
  const machine: DriverMachine = {
    ...{ id: randomUUID(), protocol: "rfb", address: "web-1", password: undefined, state: "running" },
  };
  return {
    driver,
    machines,
    machine,
    [Symbol.asyncDispose]: async () => {
      await driver.power("web-1", "cut", signal).catch(() => {});
      await driver[Symbol.asyncDispose]();
      await files[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}
