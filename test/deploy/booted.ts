import assert from "node:assert/strict";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "../harness/eventually.ts";
import { startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** For `test(…, { skip })`. */
export const lackingNspawn: string | false =
  lacking("systemd", "systemd-container") || (process.getuid?.() !== 0 && "it takes root");

/** A machine of containers: a systemd with an /etc and a /var of its own, this machine's programs and network, and this checkout. */
export interface Booted extends AsyncDisposable {
  /** Files of the machine: `read` waits for one that is to come. */
  write(path: string, text: string, mode?: number): void;
  read(path: string): Promise<string>;
  /** Runs a program there; throws unless it ends with status 0. Resolves to what it printed. */
  run(...command: readonly string[]): Promise<string>;
  /** One property of a unit. */
  show(unit: string, property: string): Promise<string>;
  /** What a unit has said since it was last started, or waits until it has said so. */
  untilSaid(unit: string, what: RegExp): Promise<RegExpExecArray>;
  /** As the machine's power button does. Resolves to the status of the container. */
  powerOff(): Promise<unknown>;
}

const limits = {
  /** A systemd needs a second; other tests may keep both cores busy. */
  bootMs: 120_000,
} as const;

export async function boot(): Promise<Booted> {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(scratch());
  const at = (path: string) => join(folder.path, path);
  chmodSync(folder.path, 0o755); // It is the machine's root, for all of its users.
  makeRoot(at);
  const child = opened.use(
    await startProcess("systemd-nspawn", [
      ...["--quiet", "--register=no", "--keep-unit", "--tmpfs=/tmp", `--directory=${folder.path}`],
      ...["--bind-ro=/usr", `--bind-ro=${root}:/opt/porthole`, "--boot", "systemd.show_status=0"],
    ]),
  );
  // What stops the container is its own power button: SIGTERM to systemd-nspawn does the same, orderly.
  let isOver = false;
  void child.exited.then(() => {
    isOver = true;
  });
  const children = `/proc/${child.pid}/task/${child.pid}/children`;
  /** The container's number 1. systemd-nspawn has another child before. */
  const leader = () => {
    const [first = ""] = isOver ? [] : readFileSync(children, "utf8").split(" ");
    assert.ok(first !== "", `there is no container: ${child.stdout.text}${child.stderr.text}`);
    return first;
  };
  const run = async (...command: readonly string[]): Promise<string> => {
    const into = ["--target", leader(), "--mount", "--pid", "--uts", "--ipc"];
    await using inside = await startProcess("nsenter", [...into, "--", ...command]);
    assert.equal(await inside.exited, 0, `${command.join(" ")}: ${inside.stdout.text}${inside.stderr.text}`);
    return inside.stdout.text;
  };
  await eventually(
    async () => assert.equal((await run("systemctl", "is-active", "basic.target")).trim(), "active"),
    { withinMs: limits.bootMs },
  );
  await run("systemd-sysusers");
  const owned = opened.move();

  return {
    run,
    write(path, text, mode = 0o644) {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), text, { mode });
    },
    async read(path) {
      return await eventually(() => {
        assert.ok(existsSync(at(path)), `there is no ${path}`);
        return readFileSync(at(path), "utf8");
      });
    },
    async show(unit, property) {
      return (await run("systemctl", "show", "--value", "--property", property, unit)).trim();
    },
    async untilSaid(unit, what) {
      return await eventually(async () => {
        const invocation = (
          await run("systemctl", "show", "--value", "--property=InvocationID", unit)
        ).trim();
        const said = await run("journalctl", "--output=cat", `_SYSTEMD_INVOCATION_ID=${invocation}`);
        const found = what.exec(said);
        assert.ok(found !== null, `${unit} has not said ${what}:\n${said}`);
        return found;
      });
    },
    async powerOff() {
      await run("systemctl", "poweroff");
      return await child.exited;
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

/** The least that a systemd boots from, with the units where the documentation puts them. */
function makeRoot(at: (path: string) => string): void {
  for (const path of [
    "etc/systemd/system",
    "etc/porthole",
    "usr",
    "var/lib",
    "var/log/journal",
    "run",
    "tmp",
    "root",
    "opt/porthole",
  ])
    mkdirSync(at(path), { recursive: true });
  for (const name of ["bin", "sbin", "lib", "lib64"]) symlinkSync(`usr/${name}`, at(name));
  writeFileSync(
    at("etc/passwd"),
    "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/usr/sbin/nologin\n",
  );
  writeFileSync(at("etc/group"), "root:x:0:\nnogroup:x:65534:\n");
  // A machine that has booted before: at its first boot a systemd would enable every unit that it finds.
  writeFileSync(at("etc/machine-id"), `${"b".repeat(32)}\n`);
  for (const name of ["nsswitch.conf", "os-release", "ld.so.cache"])
    copyFileSync(`/etc/${name}`, at(`etc/${name}`));
  symlinkSync("/usr/lib/systemd/system/basic.target", at("etc/systemd/system/default.target"));
  symlinkSync("/dev/null", at("etc/systemd/system/dbus.socket"));
  for (const name of ["porthole-control.service", "porthole-proxy.service", "porthole-proxy@.service"])
    cpSync(join(root, "deploy/systemd", name), at(`etc/systemd/system/${name}`));
  cpSync(join(root, "deploy/systemd/porthole.sysusers.conf"), at("etc/sysusers.d/porthole.conf"));
}
