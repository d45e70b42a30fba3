import assert from "node:assert/strict";
import { test } from "node:test";
import { Value } from "typebox/value";
import type { Driver, DriverMachine, HypervisorDriver } from "#hypervisors/driver.ts";
import { Upstream } from "#wire/grant.ts";
import { eventually } from "../harness/eventually.ts";

interface DriverUnderTest extends AsyncDisposable {
  readonly driver: Driver;
  /** One that runs and has a console of RFB. */
  readonly machine: DriverMachine;
  /** The same machine, stopped. */
  stop(): Promise<DriverMachine>;
  readonly wrongAddress: string;
}

interface HypervisorUnderTest extends DriverUnderTest {
  readonly driver: HypervisorDriver;
  readonly name: string;
  /** Of a machine that the platform has not. */
  readonly absent: string;
  /** Whether its console bears one connection at a time. */
  readonly isExclusive?: boolean;
  /** Whether it has a serial line that nodes reach. */
  readonly hasLine?: boolean;
  /** Whether the platform has pictures of screens; if not it says so. */
  readonly hasScreenshots?: boolean;
}

/** What control takes for granted of every driver. */
export function driverConformance(
  form: string,
  open: () => Promise<DriverUnderTest>,
  skip: string | false = false,
): void {
  const check = (title: string, body: (under: DriverUnderTest) => Promise<void>) =>
    test(`${form}: ${title}`, { skip }, async () => {
      await using under = await open();
      await body(under);
    });

  check("an address on record is one that it would take again, and others are refused", async (under) => {
    const { driver, machine, wrongAddress } = under;

    assert.equal(driver.parseAddress(machine.address), machine.address);
    assert.throws(() => driver.parseAddress(wrongAddress), Error);
  });

  check("a machine that runs has its console, at an address that nodes know how to dial", async (under) => {
    const { driver, machine } = under;

    const checked = await driver.check(machine);
    const upstream = await driver.resolve(machine);

    assert.equal(checked.running, true);
    assert.ok(checked.protocols.includes(machine.protocol));
    assert.ok(Value.Check(Upstream, upstream));
  });

  check("a machine that stopped in between is said not to run, and resolves to nothing", async (under) => {
    const { driver } = under;
    const machine = await under.stop();

    const { running } = await driver.check(machine);

    assert.equal(running, false);
    await assert.rejects(driver.resolve(machine), { code: "machine_not_running" });
  });
}

/** What control takes for granted of drivers that can be asked what there is, on top of that. */
export function hypervisorConformance(
  form: string,
  open: () => Promise<HypervisorUnderTest>,
  skip: string | false = false,
): void {
  driverConformance(form, open, skip);
  const { signal } = new AbortController();
  const check = (title: string, body: (under: HypervisorUnderTest) => Promise<void>) =>
    test(`${form}: ${title}`, { skip }, async () => {
      await using under = await open();
      await body(under);
    });

  check("a machine is in the list as it is found by itself, with its console", async (under) => {
    const { driver, machine, name, isExclusive = false } = under;

    const listed = (await driver.list(signal)).find(({ address }) => address === machine.address);

    assert.ok(listed !== undefined);
    assert.equal(listed.name, name);
    assert.equal(listed.power, "running");
    assert.deepEqual(await driver.find(machine.address, signal), listed);
    const consoles = await driver.consoles(machine.address, signal);
    const screen = consoles.find(({ protocol }) => protocol === machine.protocol);
    assert.equal(screen?.isExclusive, isExclusive);
    assert.equal((await driver.check(machine)).isExclusive ?? false, isExclusive);
  });

  check("a machine's serial line, where it has one that nodes reach, bears one connection", async (under) => {
    const { driver, machine: screen, hasLine = false } = under;
    const machine = { ...screen, protocol: "serial" } as const;

    const { protocols, isExclusive } = await driver.check(machine);

    assert.equal(protocols.includes("serial"), hasLine);
    if (!hasLine) return;
    assert.equal(isExclusive, true);
    assert.ok((await driver.consoles(machine.address, signal)).some(({ protocol }) => protocol === "serial"));
    assert.ok(Value.Check(Upstream, await driver.resolve(machine)));
  });

  check("a hypervisor says the same of itself each time", async (under) => {
    const { driver } = under;

    const identity = await driver.identity(signal);

    assert.notEqual(identity, "");
    assert.equal(await driver.identity(signal), identity);
    await assert.rejects(driver.identity(AbortSignal.abort(new Error("nobody waits"))), /nobody waits/);
  });

  check("a machine that is not there is gone, whatever is asked about it", async (under) => {
    const { driver, machine, absent } = under;
    const gone = { code: "machine_gone" };
    const address = driver.parseAddress(absent);

    assert.equal(await driver.find(address, signal), undefined);
    await assert.rejects(driver.check({ ...machine, address }), gone);
    await assert.rejects(driver.resolve({ ...machine, address }), gone);
    await assert.rejects(driver.consoles(address, signal), gone);
    await assert.rejects(driver.power(address, "start", signal), gone);
    await assert.rejects(driver.screenshot(address, signal), gone);
  });

  check(
    "what is ordered is done, and whoever follows is told of it until he follows no more",
    async (under) => {
      const { driver, machine } = under;
      const { address } = machine;
      const leave = new AbortController();
      const told: string[] = [];
      await driver.follow((changed) => void told.push(changed), leave.signal);
      const powerIs = async (power: string) =>
        await eventually(async () => assert.equal((await driver.find(address, signal))?.power, power));

      await driver.power(address, "cut", signal);
      await powerIs("stopped");
      await eventually(() => assert.ok(told.includes(address)));
      leave.abort();
      const before = told.length;
      await driver.power(address, "start", signal);
      await powerIs("running");

      assert.equal(told.length, before);
    },
  );

  check("a machine that runs has a picture of its screen, where its platform makes any", async (under) => {
    const { driver, machine, hasScreenshots = true } = under;
    if (!hasScreenshots) {
      await assert.rejects(driver.screenshot(machine.address, signal), {
        code: "upstream_refused",
        detail: /: not supported$/,
      });
      return;
    }

    const { mediaType, bytes } = await driver.screenshot(machine.address, signal);

    assert.match(mediaType, /^image\//);
    assert.ok(bytes.length > 100);
  });

  check("whoever has given up asking is told so at once", async (under) => {
    const { driver, machine } = under;
    const reason = new Error("nobody waits");
    const given = AbortSignal.abort(reason);

    await assert.rejects(driver.list(given), reason);
    await assert.rejects(driver.find(machine.address, given), reason);
    await assert.rejects(driver.power(machine.address, "cut", given), reason);
    await assert.rejects(
      driver.follow(() => {}, given),
      reason,
    );
    assert.equal((await driver.find(machine.address, signal))?.power, "running");
  });
}
