import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pino } from "pino";
import { Secret } from "#base/secret.ts";
import { LaunchError } from "#control/fleet/launchers/launcher.ts";
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
  const left = `porthole-5ca1ab1e-${randomUUID()}-01234567-data.img`;
  const others = ["porthole-5ca1ab1e-notes.img", `porthole-0ther000-${randomUUID()}-01234567-data.img`];
  for (const name of [left, ...others]) await volume(libvirt, name);
  const order = newOrder();
  // The image is not there, so the machine is defined and does not start; its disks are its own.
  await assert.rejects(launcher.launch(order, signal), LaunchError);
  await launcher.list(signal);

  await launcher.list(signal);

  const own = readdirSync(libvirt.folder).filter((name) => name.includes(order.id));
  assert.equal(own.length, 2);
  assert.deepEqual(readdirSync(libvirt.folder).sort(), [...others, ...own].sort());
  await launcher.destroy(order.id, signal);
  assert.deepEqual(readdirSync(libvirt.folder).sort(), others.sort());
  await launcher.close();
});

test("disks that have just been made are left to whoever launches with them", { skip }, async () => {
  await using libvirt = await startLibvirt();
  const launcher = launcherOf(libvirt);
  const name = `porthole-5ca1ab1e-${randomUUID()}-01234567-data.img`;
  await volume(libvirt, name);

  for (let times = 0; times < 3; times++) await launcher.list(signal);

  assert.deepEqual(readdirSync(libvirt.folder), [name]);
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

function newOrder() {
  const join = { controls: ["https://127.0.0.1:1"], token: new Secret("token") };
  return { id: randomUUID(), pool: "default", join };
}

async function volume({ virsh, storagePool }: Libvirt, name: string): Promise<void> {
  await virsh("vol-create-as", storagePool, name, "4096", "--format", "raw");
}
