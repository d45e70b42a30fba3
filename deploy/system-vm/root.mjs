import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { command, StepError } from "../../scripts/setup/command.mjs";

const OLDEST_NODE = 24;

/** Of the C library and the C++ one, as far as Node asks for them, and for names. */
const LIBRARIES =
  /^(ld-linux-x86-64|lib(c|dl|m|pthread|rt|gcc_s|stdc\+\+|resolv|nss_dns|nss_files))\.so\.\d+$/;

/** Sources that a node does not need: the pages are bundled in dist/web. */
const LEFT_OUT = /(^|\/)src\/(web|demo|cli)(\/|$)|\.test\.tsx?$/;

const ACCOUNTS = {
  "etc/passwd": "root:x:0:0:root:/:/bin/sh\nporthole:x:1000:1000:Porthole:/data:/bin/sh\n",
  "etc/group": "root:x:0:\nporthole:x:1000:\n",
  "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
  "etc/nsswitch.conf": "hosts: files dns\n",
};

/** Throws what has to be done first, where the checkout is not ready to run. */
export function checkRuntime(root) {
  const needed = {
    "node_modules/node/bin/node": "run npm install",
    "dist/web/viewer": "run npm run build:web",
  };
  for (const [path, remedy] of Object.entries(needed))
    if (!existsSync(join(root, path)))
      throw new StepError(`${path} is missing: ${remedy} in ${root}, and then this again.`);
}

/** Lays the guest's root file system out in the folder `staged`. */
export async function stageRoot({ root, debian, staged }) {
  for (const folder of [
    "bin",
    "data",
    "dev",
    "etc",
    "lib/x86_64-linux-gnu",
    "lib64",
    "mnt",
    "opt/porthole",
    "proc",
    "run",
    "sbin",
    "sys",
    "tmp",
  ])
    mkdirSync(join(staged, folder), { recursive: true });
  await stageBusybox(debian, staged);
  stageLibraries(debian, staged);
  await stageNode(root, staged);
  stageGuest(staged);
  stageCheckout(root, join(staged, "opt", "porthole"));
  normalise(staged);
}

/** It says itself which programs it is; this machine can run it, since it is Debian's own. */
async function stageBusybox(debian, staged) {
  const busybox = join(staged, "bin", "busybox");
  copyFileSync(join(debian, "bin", "busybox"), busybox);
  chmodSync(busybox, 0o755);
  const applets = (await command(busybox, ["--list"]))
    .split("\n")
    .filter((name) => name !== "" && name !== "busybox");
  for (const applet of applets.sort()) symlinkSync("busybox", join(staged, "bin", applet));
}

function stageLibraries(debian, staged) {
  const found = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"].flatMap((folder) => {
    const path = join(debian, folder);
    return existsSync(path)
      ? readdirSync(path)
          .filter((name) => LIBRARIES.test(name))
          .map((name) => join(path, name))
      : [];
  });
  for (const path of found)
    copyFileSync(
      realpathSync(path),
      join(staged, "lib", "x86_64-linux-gnu", path.slice(path.lastIndexOf("/") + 1)),
    );
  symlinkSync("/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", join(staged, "lib64", "ld-linux-x86-64.so.2"));
}

/** Tried here, so that a Node which is not for this machine is not found out in a guest that does not start. */
async function stageNode(root, staged) {
  const node = join(root, "node_modules", "node", "bin", "node");
  const version = await command(node, ["--version"]);
  if (Number.parseInt(version.slice(1), 10) < OLDEST_NODE)
    throw new StepError(
      `${node} is ${version.trim()}, and a node needs ${OLDEST_NODE}: run npm install in ${root}.`,
    );
  copyFileSync(node, join(staged, "bin", "node"));
}

function stageGuest(staged) {
  const guest = (name) => fileURLToPath(new URL(`guest/${name}`, import.meta.url));
  copyFileSync(guest("init.sh"), join(staged, "sbin", "init"));
  copyFileSync(guest("dhcp.sh"), join(staged, "sbin", "dhcp"));
  // Where busybox's acpid looks for what to do about a power button.
  mkdirSync(join(staged, "etc", "acpi", "PWRF"), { recursive: true });
  copyFileSync(guest("power-button.sh"), join(staged, "etc", "acpi", "PWRF", "00000080"));
  for (const [name, text] of Object.entries(ACCOUNTS)) writeFileSync(join(staged, name), text);
  symlinkSync("/run/resolv.conf", join(staged, "etc", "resolv.conf"));
}

function stageCheckout(root, target) {
  for (const name of ["package.json", "LICENSE"]) copyFileSync(join(root, name), join(target, name));
  cpSync(join(root, "src"), join(target, "src"), {
    recursive: true,
    filter: (path) => !LEFT_OUT.test(path.slice(root.length)),
  });
  const viewer = join("dist", "web", "viewer");
  cpSync(join(root, viewer), join(target, viewer), { recursive: true });
  for (const folder of runtimePackages(root))
    cpSync(join(root, folder), join(target, folder), {
      recursive: true,
      // What is nested is a package of its own, and stands in the lock by itself.
      filter: (path) => !path.slice(root.length + folder.length).includes("/node_modules"),
    });
}

/** What the lock does not mark as being for development, as far as it is installed: some are for other platforms. */
function runtimePackages(root) {
  const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  return Object.entries(packages)
    .filter(([folder, entry]) => folder !== "" && entry.dev !== true && entry.devOptional !== true)
    .map(([folder, entry]) => {
      if (existsSync(join(root, folder))) return folder;
      if (entry.optional !== true) throw new StepError(`${folder} is missing: run npm install in ${root}.`);
      return undefined;
    })
    .filter((folder) => folder !== undefined)
    .sort();
}

/** The umask of whoever builds it is none of the image's business. */
function normalise(path) {
  const status = lstatSync(path);
  if (status.isSymbolicLink()) return;
  if (!status.isDirectory()) {
    const runs = (status.mode & 0o100) !== 0 || RUNS.test(path);
    chmodSync(path, runs ? 0o755 : 0o644);
    return;
  }
  chmodSync(path, 0o755);
  for (const name of readdirSync(path)) normalise(join(path, name));
}

const RUNS = /\/(sbin\/(init|dhcp)|etc\/acpi\/PWRF\/00000080|bin\/node|ld-linux-x86-64\.so\.2)$/;
