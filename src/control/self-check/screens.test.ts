import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { Driver } from "#hypervisors/driver.ts";
import { createLibvirtDriver } from "#hypervisors/libvirt/driver.ts";
import { parseEndpoint } from "#hypervisors/libvirt/endpoint.ts";
import { manualDriver } from "#hypervisors/manual/driver.ts";
import { type TestControl, testControl } from "../../../test/harness/control.ts";
import { scratch } from "../../../test/harness/scratch.ts";
import { captureLog } from "../../../test/harness/test-node.ts";
import { startUpstream } from "../../../test/harness/test-upstream.ts";
import { screensOf } from "./screens.ts";

const UUID = "4dea22b3-1d52-d8f3-2516-782e98ab3fa0";

/** One machine that stands on record by hand, and others of a driver of the name `theirs`. */
async function withMachines(control: TestControl, count: number): Promise<void> {
  await control.machine({ name: "by hand", address: "192.0.2.1:5900" });
  for (let index = 0; index < count; index++) {
    const { id } = await control.machine({ name: `theirs ${index}` });
    await control.store.db
      .updateTable("machines")
      .set({ driver: "theirs", address: UUID })
      .where("id", "=", id)
      .execute();
  }
}

async function look(control: TestControl, theirs: Driver, options: { readonly askMs?: number } = {}) {
  const log = captureLog();
  const drivers = new Map<string, Driver>([
    ["manual", manualDriver],
    ["theirs", theirs],
  ]);
  const found = await screensOf({ store: control.store, drivers, log: log.logger }, "default", options);
  return { ...found, log: log.text() };
}

function libvirtAt(path: string) {
  const endpoint = parseEndpoint(`qemu+unix:///system?socket=${path}`);
  return createLibvirtDriver({ endpoint, credentials: {}, isReadOnly: true });
}

const BY_HAND = [{ machine: "by hand", address: { kind: "tcp", host: "192.0.2.1", port: 5900 } }];

test("a driver that fails keeps nobody from looking at the screens of others, and is told of with its reason", async () => {
  await using folder = scratch();
  await using control = await testControl();
  await using libvirt = libvirtAt(join(folder.path, "none.sock"));
  await withMachines(control, 9);

  const { screens, remarks, log } = await look(control, libvirt);

  assert.deepEqual(screens, BY_HAND);
  assert.deepEqual(
    remarks.map(({ finding }) => finding),
    [...Array.from({ length: 3 }, () => "hypervisor_unasked"), "skipped_earlier"],
  );
  assert.match(remarks[0]?.subject ?? "", /^theirs \d$/);
  assert.equal(new Set(remarks.map(({ subject }) => subject)).size, 4, "each can be told from the others");
  assert.equal(remarks[0]?.facts?.["reason"], "upstream_unreachable: libvirt: socket");
  assert.equal(remarks.at(-1)?.facts?.["left out"], "6 / 9");
  assert.match(log, /A driver does not say where a console is/);
});

test("of a driver that makes something for who opens a console nothing is made for who looks", async () => {
  await using control = await testControl();
  await withMachines(control, 2);
  let looks = 0;
  // Of all that a driver does, nothing else is asked for.
  const lender = {
    async resolve() {
      throw new Error("a ticket was taken");
    },
    async look() {
      looks += 1;
      return looks === 1 ? undefined : { address: { kind: "tcp", host: "192.0.2.2", port: 5901 } };
    },
  } as unknown as Driver;

  const { screens, remarks } = await look(control, lender);

  assert.equal(looks, 2);
  assert.deepEqual(remarks, []);
  assert.deepEqual(
    screens.map(({ address }) => address),
    [
      { kind: "tcp", host: "192.0.2.1", port: 5900 },
      { kind: "tcp", host: "192.0.2.2", port: 5901 },
    ],
  );
});

test("a driver that is silent is waited for no longer than a look may take", async () => {
  await using folder = scratch();
  await using control = await testControl();
  await using silent = await startUpstream(() => {}, { path: join(folder.path, "silent.sock") });
  const { address } = silent.upstream;
  await using libvirt = libvirtAt(address.kind === "unix" ? address.path : "");
  await withMachines(control, 2);

  const { screens, remarks } = await look(control, libvirt, { askMs: 300 });

  assert.deepEqual(screens, BY_HAND);
  assert.deepEqual(
    remarks.map(({ finding, facts }) => [finding, facts?.["left out"]]),
    [["check_out_of_time", "2 / 2"]],
  );
  assert.match(remarks[0]?.subject ?? "", /^theirs \d$/, "of two hypervisors each is told by itself");
});

test("an address on record that its driver cannot read is told of, and the others are looked at", async () => {
  await using control = await testControl();
  await withMachines(control, 1);

  const { screens, remarks } = await look(control, manualDriver);

  assert.deepEqual(screens, BY_HAND);
  assert.deepEqual(
    remarks.map(({ finding, subject, facts }) => [finding, subject, facts?.["reason"]]),
    [["hypervisor_unasked", "theirs 0", "internal"]],
  );
});
