import assert from "node:assert/strict";
import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../harness/eventually.ts";
import { portBlock } from "../harness/port-block.ts";
import { type Process, startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";

/** For `test(…, { skip })`. */
export const lackingLibvirt = lacking("libvirt-daemon", "libvirt-clients", "libvirt-daemon-driver-qemu");

/** As whom it runs where we are root: libvirt would take root for the whole machine's. Debian's nobody. */
const NOBODY = { uid: 65_534, gid: 65_534 };

export interface Libvirt extends AsyncDisposable {
  readonly uri: string;
  readonly socket: string;
  /** A storage pool of it, and the folder that it is. */
  readonly storagePool: string;
  readonly folder: string;
  /** Below it is all that it and its machines write. */
  readonly home: string;
  /** A folder for what machines print. */
  readonly logs: string;
  /** For programs that are to find it. */
  readonly env: Readonly<Record<string, string | undefined>>;
  virsh(...args: readonly string[]): Promise<string>;
  /** Ends it; its machines run on. */
  leave(): Promise<void>;
  /** Starts it again at the same place. */
  comeBack(): Promise<void>;
  restart(): Promise<void>;
  /** Ends it, and its machines before it, which would run on without it. */
  stop(): Promise<void>;
}

/** A libvirt of the test's own, as a user's: nothing of the machine's own libvirt is seen or touched. */
export async function startLibvirt({
  settings = "",
  qemuSettings = "",
  files = {},
  args = [],
  hostname,
}: {
  /** More of libvirtd.conf; FOLDER is where the files are. */
  readonly settings?: string;
  /** More of qemu.conf, alike. */
  readonly qemuSettings?: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  /** What the machine is called where it runs, as though it were another one; for root alone. */
  readonly hostname?: string;
} = {}): Promise<Libvirt> {
  await using opened = new AsyncDisposableStack();
  const { path } = opened.use(scratch());
  const runner: { readonly uid?: number; readonly gid?: number } = process.getuid?.() === 0 ? NOBODY : {};
  const own = (made: string) => {
    if (runner.uid !== undefined && runner.gid !== undefined) chownSync(made, runner.uid, runner.gid);
  };
  const folder = join(path, "volumes");
  for (const made of [
    path,
    folder,
    ...["run", "cache", "config", "data", "logs"].map((name) => join(path, name)),
  ]) {
    mkdirSync(made, { recursive: true, mode: 0o755 });
    chmodSync(made, 0o755);
    own(made);
  }
  const { first, last } = opened.use(await portBlock());
  const half = Math.floor((first + last) / 2);
  const conf = join(path, "libvirtd.conf");
  writeFileSync(
    conf,
    `unix_sock_dir = "${join(path, "run")}"\nauth_unix_rw = "none"\nlog_outputs = "3:stderr"\n${settings.replaceAll("FOLDER", path)}`,
  );
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(path, name), text);
    own(join(path, name));
  }
  // So that no second daemon is needed for what machines print.
  mkdirSync(join(path, "config/libvirt"), { recursive: true });
  writeFileSync(
    join(path, "config/libvirt/qemu.conf"),
    [
      'stdio_handler = "file"',
      `remote_display_port_min = ${first}\nremote_display_port_max = ${half}`,
      `migration_port_min = ${half + 1}\nmigration_port_max = ${last}`,
      `${qemuSettings.replaceAll("FOLDER", path)}\n`,
    ].join("\n"),
  );
  const env = {
    PATH: process.env["PATH"],
    HOME: path,
    LC_ALL: "C",
    XDG_RUNTIME_DIR: join(path, "run"),
    XDG_CACHE_HOME: join(path, "cache"),
    XDG_CONFIG_HOME: join(path, "config"),
    XDG_DATA_HOME: join(path, "data"),
  };
  own(join(path, "config/libvirt"));
  const start = async () => {
    const all = ["-f", conf, ...args];
    if (hostname === undefined) return await startProcess("libvirtd", all, { env, ...runner });
    const ids = [`--reuid=${NOBODY.uid}`, `--regid=${NOBODY.gid}`, "--clear-groups"];
    const script = 'hostname "$0" && exec setpriv "$@"';
    const command = ["--uts", "sh", "-c", script, hostname, ...ids, "libvirtd", ...all];
    return await startProcess("unshare", command, { env });
  };
  let daemon = await start();
  opened.defer(async () => void (await daemon.stop()));
  const socket = join(path, "run", "libvirt-sock");
  const uri = `qemu:///session?socket=${socket}`;
  const virsh = async (...args: readonly string[]) => await run(["-q", "-c", uri, ...args], env);
  const isReady = async () => {
    assert.ok(statSync(socket).isSocket(), daemon.stderr.text);
    await virsh("version");
  };
  await eventually(isReady);
  await virsh("pool-create-as", "porthole", "dir", "--target", folder);
  let stopping: Promise<void> | undefined;
  const stop = async () => {
    stopping ??= endMachines(virsh).then(async () => void (await daemon.stop()));
    await stopping;
  };
  const leave = async () => void (await daemon.stop());
  const comeBack = async () => {
    daemon = await start();
    await eventually(isReady);
  };
  const restart = async () => {
    await leave();
    await comeBack();
  };
  opened.defer(stop);
  const owned = opened.move();
  return {
    uri,
    socket,
    storagePool: "porthole",
    folder,
    home: path,
    logs: join(path, "logs"),
    env,
    virsh,
    leave,
    comeBack,
    restart,
    stop,
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

/** Whatever a failing test has left running. */
async function endMachines(virsh: Libvirt["virsh"]): Promise<void> {
  const names = (await virsh("list", "--name")).split("\n").filter((name) => name.trim() !== "");
  for (const name of names) await virsh("destroy", name);
}

async function run(args: readonly string[], env: Libvirt["env"]): Promise<string> {
  await using child: Process = await startProcess("virsh", args, { env });
  const status = await child.exited;
  assert.equal(status, 0, `virsh ${args.join(" ")}: ${child.stderr.text}`);
  return child.stdout.text;
}
