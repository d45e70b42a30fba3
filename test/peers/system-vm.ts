import assert from "node:assert/strict";
import { truncateSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import type { JoinData } from "#control/fleet/launchers/launcher.ts";
import { configDrive, type StaticNetwork } from "#control/fleet/launchers/libvirt/config-drive.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK } from "../harness/free-port.ts";
import { type Process, startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";

/** For `test(…, { skip })`. */
export const lackingSystemVm = lacking("qemu-system-x86", "squashfs-tools");

/** Where a guest behind QEMU's user network finds this machine's loopback. */
export const HOST_SEEN_FROM_GUEST = "10.0.2.2";

/** That network's own plan, for a guest that asks nobody (QEMU: System emulation, "Network emulation"). */
export const STATIC_NETWORK: StaticNetwork = { address: "10.0.2.15/24", gateway: HOST_SEEN_FROM_GUEST };

const limits = {
  /** An emulated machine takes seconds on an idle core, and others may be at work beside it. */
  bootMs: 3 * 60_000,
} as const;

const root = resolve(import.meta.dirname, "../..");

/** The folder with the image: one that is there already, such as dist/system-vm, where PORTHOLE_SYSTEM_VM names it. */
export async function systemVmImage(folder: string): Promise<string> {
  return process.env["PORTHOLE_SYSTEM_VM"] ?? (await buildSystemVm(folder));
}

/** Runs deploy/system-vm/build, and resolves to the folder with the image. */
export async function buildSystemVm(folder: string): Promise<string> {
  const build = await startProcess(join(root, "deploy/system-vm/build"), ["--out", folder]);
  assert.equal(await build.exited, 0, build.stderr.text);
  return folder;
}

export interface SystemVm extends AsyncDisposable {
  /** What it has written to its console. */
  console(): string;
  /** As the power button of a real machine. */
  pressPowerButton(): void;
  readonly process: Process;
}

/** Boots the image under QEMU alone, `port` of this machine's loopback being the guest's 8080. */
export async function startSystemVm(
  image: string,
  {
    port,
    network,
    joinData,
  }: { readonly port: number; readonly network?: StaticNetwork; readonly joinData: JoinData },
): Promise<SystemVm> {
  const folder = scratch();
  const [drive, data] = [join(folder.path, "config.iso"), join(folder.path, "data.img")];
  writeFileSync(drive, configDrive(joinData, network), { mode: 0o600 });
  writeFileSync(data, "");
  truncateSync(data, 16 * 1024 * 1024);
  const child = await startProcess("qemu-system-x86_64", [
    // Never KVM: /dev/kvm may exist and not work, and then QEMU hangs.
    ...["-accel", "tcg", "-M", "q35", "-m", "512", "-nodefaults", "-display", "none", "-no-reboot"],
    ...["-kernel", join(image, "vmlinuz"), "-initrd", join(image, "initrd.gz")],
    ...["-append", "console=ttyS0 quiet panic=1 no_timer_check tsc=reliable"],
    ...["-drive", `file=${join(image, "root.squashfs")},format=raw,if=virtio,readonly=on`],
    ...["-drive", `file=${drive},format=raw,if=virtio,readonly=on`],
    ...["-drive", `file=${data},format=raw,if=none,id=data`],
    ...["-device", "virtio-blk-pci,drive=data,serial=porthole-data"],
    ...["-netdev", `user,id=net,hostfwd=tcp:${LOOPBACK}:${port}-:8080`],
    ...["-device", "virtio-net-pci,netdev=net,romfile="],
    ...["-serial", "stdio", "-monitor", `unix:${join(folder.path, "monitor")},server=on,wait=off`],
  ]);
  await untilItSpeaks(child);
  return {
    console: () => child.stdout.text,
    pressPowerButton: () => press(join(folder.path, "monitor")),
    process: child,
    async [Symbol.asyncDispose]() {
      await child.stop();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Its first line comes from the image's /sbin/init. A QEMU that ends instead has found the port taken, or worse. */
async function untilItSpeaks(child: Process): Promise<void> {
  const ended = child.exited.then((exit) => {
    throw new Error(`QEMU ended with ${exit}: ${child.stderr.text} ${child.stdout.text}`);
  });
  const speaks = eventually(() => assert.match(child.stdout.text, /porthole-vm: /), {
    withinMs: limits.bootMs,
  });
  await Promise.race([speaks, ended]);
}

/** QEMU's monitor for people: one line is one command. */
function press(monitor: string): void {
  const socket = connect(monitor);
  socket.on("error", () => {});
  socket.write("system_powerdown\n");
  // It answers with its prompt when it has done what it was told.
  socket.once("data", () => socket.end());
}
