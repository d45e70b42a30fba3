import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pino } from "pino";
import { Secret } from "#base/secret.ts";
import { LaunchError, type Launcher } from "#control/fleet/launchers/launcher.ts";
import { createLibvirtLauncher } from "#control/fleet/launchers/libvirt/libvirt.ts";
import { eventually } from "../harness/eventually.ts";
import { scratch } from "../harness/scratch.ts";
import { type Libvirt, lackingLibvirt, startLibvirt } from "../peers/libvirt.ts";

const skip = lackingLibvirt;
const { signal } = new AbortController();

test("disks whose machine is not there are deleted once nobody can be at launching it, and no others", {
  skip,
}, async () => {
  await using libvirt = await startLibvirt();
  const launcher = launcherOf(libvirt, { leftoverMs: 0 });
  const left = await leaveDisks(libvirt, launcher);
  const elsewhere = left.map((name) => name.replace(/-[0-9a-f]{8}(?=-[0-9a-f]{8}-\w+\.\w+$)/, "-01234567"));
  const others = [
    ...elsewhere,
    "porthole-5ca1ab1e-notes.img",
    `porthole-0ther000-${randomUUID()}-01234567-data.img`,
  ];
  for (const name of others) await volume(libvirt, name);
  const order = await define(launcher);
  await launcher.list(signal);

  await launcher.list(signal);

  const own = readdirSync(libvirt.folder).filter((name) => name.includes(order.id));
  assert.equal(own.length, 2);
  assert.equal(new Set([...left, ...elsewhere]).size, 4);
  assert.deepEqual(readdirSync(libvirt.folder).sort(), [...others, ...own].sort());
  await launcher.destroy(order.id, signal);
  assert.deepEqual(readdirSync(libvirt.folder).sort(), others.sort());
  await launcher.close();
});

test("disks that have just been made are left to whoever launches with them", { skip }, async () => {
  await using libvirt = await startLibvirt();
  const launcher = launcherOf(libvirt);
  const left = await leaveDisks(libvirt, launcher);

  for (let times = 0; times < 3; times++) await launcher.list(signal);

  assert.deepEqual(readdirSync(libvirt.folder).sort(), left);
  await launcher.close();
});

test("disks of a machine whose title somebody has changed are left to it", { skip }, async () => {
  await using libvirt = await startLibvirt();
  const launcher = launcherOf(libvirt, { leftoverMs: 0 });
  const { id } = await define(launcher);
  const disks = readdirSync(libvirt.folder);
  await libvirt.virsh("desc", `porthole-5ca1ab1e-${id}`, "--title", "--config", "the one of floor 2");

  for (let times = 0; times < 2; times++) assert.deepEqual(await launcher.list(signal), []);
  await assert.rejects(launcher.destroy(id, signal), LaunchError);

  assert.equal(disks.length, 2);
  assert.deepEqual(readdirSync(libvirt.folder), disks);
  await launcher.close();
});

test("a launch that is given up takes away the disks that it has made", { skip }, async () => {
  await using libvirt = await startLibvirt();
  await using folder = scratch();
  const [marker, slow] = [join(folder.path, "defining"), join(folder.path, "virsh")];
  const real = `PATH='${libvirt.env["PATH"]}'; exec virsh "$@"`;
  writeFileSync(
    slow,
    `#!/bin/sh\ncase "$*" in *" define "*) : > ${marker}; exec sleep 600;; esac\n${real}\n`,
    { mode: 0o755 },
  );
  const path = `${folder.path}:${libvirt.env["PATH"]}`;
  const launcher = launcherOf({ ...libvirt, env: { ...libvirt.env, PATH: path } });
  const limit = new AbortController();
  const launching = launcher.launch(newOrder(), limit.signal);
  await eventually(() => assert.ok(existsSync(marker)));
  const made = readdirSync(libvirt.folder);
  limit.abort();

  await assert.rejects(launching, LaunchError);

  assert.equal(made.length, 2);
  assert.deepEqual(readdirSync(libvirt.folder), []);
  await launcher.close();
});

function launcherOf(
  { uri, storagePool, env, logs }: Libvirt,
  options: { readonly leftoverMs?: number } = {},
) {
  return createLibvirtLauncher({
    ...{ uri, storagePool, env, consoleLogs: logs, image: "/nonexistent", stopMs: 60_000 },
    ...{ type: "qemu", memoryMiB: 256, vcpus: 1, network: { kind: "user" } },
    installationId: "5ca1ab1e-0000-4000-8000-000000000000",
    log: pino({ level: "silent" }),
    ...options,
  });
}

/** The image is not there, so the machine is defined and does not start; its disks are its own. */
async function define(launcher: Launcher) {
  const order = newOrder();
  await assert.rejects(launcher.launch(order, signal), LaunchError);
  return order;
}

/** Of a machine that went without them. Resolves to their names. */
async function leaveDisks({ virsh, folder }: Libvirt, launcher: Launcher): Promise<readonly string[]> {
  const { id } = await define(launcher);
  await virsh("undefine", `porthole-5ca1ab1e-${id}`);
  return readdirSync(folder)
    .filter((name) => name.includes(id))
    .sort();
}

function newOrder() {
  const join = { controls: ["https://127.0.0.1:1"], token: new Secret("token") };
  return { id: randomUUID(), pool: "default", join };
}

async function volume({ virsh, storagePool }: Libvirt, name: string): Promise<void> {
  await virsh("vol-create-as", storagePool, name, "4096", "--format", "raw");
}
