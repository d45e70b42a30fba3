import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { writeCommand } from "../../../test/harness/command-hypervisor.ts";
import { type TestControl, testControl } from "../../../test/harness/control.ts";
import { hypervisor, known, machines } from "../../../test/harness/inventory-stage.ts";
import { testCertificate } from "../../../test/harness/test-certificates.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { recognise } from "./identity.ts";

/** Its one machine is called after all that the command was told. */
const TELLTALE = `#!/usr/bin/env node
import { readFileSync } from "node:fs";
const name = Object.entries(JSON.parse(readFileSync(0, "utf8"))).flat().join(" ");
process.stdout.write(JSON.stringify({ machines: [{ address: "a", name, power: "running" }] }));
`;

for (const t of onBoth("what opens a hypervisor is changed piece by piece, and kept sealed", async () => {
  await using control = await testControl();
  const { services, admin, store } = control;
  const commands = join(control.folder, "commands");
  writeCommand(commands);
  for (const name of ["one.mjs", "two.mjs"]) {
    writeFileSync(join(commands, name), TELLTALE);
    chmodSync(join(commands, name), 0o755);
  }
  const id = await hypervisor(control, {
    ...{ platform: "command", address: "one.mjs" },
    credentials: { secret: "old-secret", clientKey: "the-key" },
  });
  const first = await toldOf(control, id);
  await services.hypervisors.update(admin, id, { credentials: { secret: "new-secret" } });
  const second = await toldOf(control, id);
  const credentials = { secret: null, caCertificate: "the-authority" };

  const changed = await services.hypervisors.update(admin, id, {
    ...{ name: "host8", address: "two.mjs:target", readOnly: true, credentials },
  });
  const third = await toldOf(control, id);

  const has = (text: string) =>
    ["old-secret", "new-secret", "the-key", "the-authority"].map((each) => text.includes(each));
  assert.deepEqual(has(first), [true, false, true, false]);
  assert.deepEqual(has(second), [false, true, true, false]);
  assert.deepEqual(has(third), [false, false, true, true]);
  assert.match(third, /target/);
  assert.deepEqual([changed.name, changed.address, changed.readOnly], ["host8", "two.mjs:target", true]);
  const rows = await store.db.selectFrom("hypervisors").selectAll().execute();
  const { items } = await services.audit.list(admin, { action: "hypervisor.update" });
  assert.deepEqual(has(JSON.stringify([rows, items, changed])), [false, false, false, false]);
  assert.deepEqual(items.map(({ detail }) => detail).toReversed(), [
    "credentials secret",
    "name address two.mjs:target credentials secret caCertificate readOnly true",
  ]);
}))
  test(...t);

for (const t of onBoth("a change that cannot work is refused, and nothing of it is kept", async () => {
  await using control = await testControl();
  const { services, admin, store } = control;
  const [one, other] = [await testCertificate({ names: ["a"] }), await testCertificate({ names: ["b"] })];
  const credentials = { clientCertificate: one.pem, clientKey: one.keyPem };
  const id = await hypervisor(control, { credentials, sessionPasswords: true });
  await hypervisor(control, { name: "taken" });
  const before = await store.db.selectFrom("hypervisors").selectAll().execute();

  const refused = async (change: Parameters<typeof services.hypervisors.update>[2], detail: RegExp) =>
    await assert.rejects(services.hypervisors.update(admin, id, { name: "never", ...change }), {
      code: "request_invalid",
      detail,
    });
  await refused({ address: "qemu+tcp://host7/system" }, /neither encrypted/);
  await refused({ credentials: { clientKey: other.keyPem } }, /^credentials: .*key values mismatch/);
  await refused({ credentials: { clientKey: null } }, /go together/);
  await refused({ credentials: { caCertificate: "not PEM" } }, /^credentials: /);
  await refused({ credentials: { secret: "s" } }, /takes no secret/);
  await refused({ readOnly: true }, /read-only no password/);
  await assert.rejects(services.hypervisors.update(admin, id, { name: "TAKEN" }), { code: "conflict" });

  assert.deepEqual(await store.db.selectFrom("hypervisors").selectAll().execute(), before);
}))
  test(...t);

for (const t of onBoth(
  "an authority that nobody can read is refused for platforms that are asked by HTTPS too",
  async () => {
    await using control = await testControl();
    for (const platform of ["xenserver", "vsphere", "proxmox"] as const) {
      const account = { username: "porthole@pve!console", secret: "s" };
      await assert.rejects(
        control.services.hypervisors.add(control.admin, {
          ...{ name: platform, platform, address: "https://host7.example.com" },
          credentials: { ...account, caCertificate: "not PEM" },
        }),
        { code: "request_invalid", detail: /^credentials: .*not PEM/ },
      );
    }
  },
))
  test(...t);

for (const t of onBoth(
  "by which way vSphere opens consoles is vSphere's alone to be told, and stays",
  async () => {
    await using control = await testControl();
    const { services, admin } = control;
    const account = { credentials: { username: "console", secret: "s" } };
    const vcenter = { name: "vcenter", platform: "vsphere", address: "https://vcenter", ...account } as const;
    const refused = async (work: Promise<unknown>, detail: RegExp) =>
      await assert.rejects(work, { code: "request_invalid", detail });

    const id = await hypervisor(control, vcenter);
    await refused(hypervisor(control, { name: "kvm", consoles: "webmks" }), /^consoles: of libvirt /);
    await refused(
      hypervisor(control, { ...vcenter, name: "b", consoles: "vnc", readOnly: true }),
      /^consoles: .* read-only/,
    );
    const before = await services.hypervisors.list(admin);
    const changed = await services.hypervisors.update(admin, id, { consoles: "both" });
    await refused(services.hypervisors.update(admin, id, { readOnly: true }), /^consoles: .* read-only/);
    const renamed = await services.hypervisors.update(admin, id, { name: "vc", address: "https://vc" });
    const webmks = await services.hypervisors.update(admin, id, { consoles: "webmks", readOnly: true });

    assert.deepEqual(
      [...before, changed, renamed, webmks].map(({ consoles }) => consoles),
      ["webmks", "both", "both", "webmks"],
    );
    const { items } = await services.audit.list(admin, { action: "hypervisor.update" });
    assert.match(items.at(-1)?.detail ?? "", /^consoles both$/);
  },
))
  test(...t);

for (const t of onBoth(
  "another hypervisor that answers is told by having none of the machines on record",
  async () => {
    await using control = await testControl();
    const { store } = control;
    const hypervisorId = await hypervisor(control, { rules: [{ name: "web", project: "default" }] });
    const ours = [known("web"), known("db")];
    const answered = async (identity: string, all: readonly ReturnType<typeof known>[]) =>
      await recognise(store, { hypervisorId, identity, known: all });

    await answered("host one", ours);
    await control.inventory.takeAll(hypervisorId, ours);
    await assert.rejects(
      answered("host two", [known("web")]),
      /another hypervisor answers, host two, and not host one/,
    );
    await assert.rejects(answered("host two", []), /none of the 2 machines/);
    // Its own word counts: it may have lost them all.
    await answered("host one", []);
    // One that waits is as good as one that has a project.
    await answered("host two", ours.slice(1));
    await assert.rejects(answered("host one", []), /and not host two/);

    assert.equal((await machines(control)).length, 1);
  },
))
  test(...t);

async function toldOf({ driverPool }: TestControl, id: string): Promise<string> {
  const driver = await driverPool.driverOf(id);
  const [machine] = await driver.list(new AbortController().signal);
  return machine?.name ?? "";
}

test("what is asked of a new one beside the way there is in the audit log, and no secret of it", async () => {
  await using control = await testControl();
  const { services, admin } = control;

  await services.hypervisors.add(admin, {
    ...{ name: "host7", platform: "libvirt", address: "qemu:///system", credentials: {} },
    ...{ pool: "north", serialStreams: true, sessionPasswords: true },
    consoleTls: { mode: "pin", pin: `sha256:${"ab".repeat(32)}` },
  });
  await services.hypervisors.add(admin, {
    ...{ name: "host8", platform: "libvirt", address: "qemu:///system", pool: "default", readOnly: true },
  });

  const { items } = await services.audit.list(admin, { action: "hypervisor.add" });
  assert.deepEqual(items.map(({ detail }) => detail).toReversed(), [
    "libvirt qemu:///system sessionPasswords true serialStreams true pool north consoleTls pin",
    "libvirt qemu:///system readOnly true",
  ]);
});
