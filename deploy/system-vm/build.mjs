/**
 * Makes the image that the libvirt launcher boots, without root: `deploy/system-vm/build [--out DIR] [--packages DIR]`.
 *
 * 1. Debian packages are downloaded, or taken from the folder that --packages names, and unpacked: nothing is installed.
 * 2. `vmlinuz` is Debian's kernel for virtual machines, as it is.
 * 3. `initrd.gz` holds busybox and the modules that it takes to find the root: see guest/initramfs-init.sh.
 * 4. `root.squashfs` holds Node, the checkout's runtime files and guest/init.sh, all read-only.
 * 5. `manifest.json` says what it was made of. The same packages and the same checkout give the same bytes.
 */
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { has } from "../../scripts/setup/apt.mjs";
import { command, StepError } from "../../scripts/setup/command.mjs";
import { during, say } from "../../scripts/setup/progress.mjs";
import { initramfs } from "./initramfs.mjs";
import { checkRuntime, stageRoot } from "./root.mjs";

/** A metapackage that depends on the current one. */
const KERNEL_METAPACKAGE = "linux-image-cloud-amd64";

/** Beside the kernel: a shell with everything, and what Node is linked against. */
const PACKAGES = ["busybox-static", "libc6", "libstdc++6", "libgcc-s1"].map((name) => `${name}:amd64`);

/** The program, and the Debian package that it comes in. */
const TOOLS = { "dpkg-deb": "dpkg", mksquashfs: "squashfs-tools" };

const root = fileURLToPath(new URL("../..", import.meta.url));

process.exitCode = await main();

async function main() {
  try {
    const { values } = parseArgs({ options: { out: { type: "string" }, packages: { type: "string" } } });
    const out = resolve(values.out ?? join(root, "dist", "system-vm"));
    checkMachine(values.packages);
    checkRuntime(root);
    await build(out, values.packages);
    return 0;
  } catch (error) {
    if (error instanceof StepError) say(error.message);
    else if (error.code?.startsWith("ERR_PARSE_ARGS"))
      say(`${error.message}\nusage: deploy/system-vm/build [--out DIR] [--packages DIR]`);
    else throw error;
    return error instanceof StepError ? 1 : 2;
  }
}

/** Everything that is missing at once, before anything is downloaded. */
function checkMachine(packages) {
  if (process.arch !== "x64" || process.platform !== "linux")
    throw new StepError(
      `The image is built on Linux on amd64, whose Node goes into it; this is ${process.platform} on ${process.arch}.`,
    );
  const missing = Object.entries(TOOLS).filter(([program]) => !has(program));
  if (packages === undefined && !has("apt-get"))
    throw new StepError(
      "The image is made of Debian packages, and this machine has no apt-get. Build it on Debian 12, or give the packages with --packages.",
    );
  if (missing.length === 0) return;
  const programs = missing.map(([program]) => program).join(" and ");
  const names = missing.map(([, name]) => name).join(" ");
  throw new StepError(`${programs} is missing. As root: apt-get install ${names}`);
}

async function build(out, packages) {
  const work = mkdtempSync(join(tmpdir(), "porthole-system-vm-"));
  try {
    const debs = await during("Getting Debian packages", () => packageFiles(work, packages));
    const debian = join(work, "debian");
    mkdirSync(debian);
    for (const deb of debs) await command("dpkg-deb", ["-x", deb, debian]);
    const made = join(work, "image");
    mkdirSync(made);

    const version = kernelVersion(debian);
    renameSync(join(debian, "boot", `vmlinuz-${version}`), join(made, "vmlinuz"));
    writeFileSync(join(made, "initrd.gz"), initramfs({ debian, version }));
    const staged = join(work, "root");
    await stageRoot({ root, debian, staged });
    await during("Packing the root file system", () => pack(staged, join(made, "root.squashfs")));
    writeManifest(made, debs);
    publish(made, out);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

async function packageFiles(work, given) {
  const folder = given === undefined ? join(work, "packages") : resolve(given);
  if (given === undefined) {
    mkdirSync(folder);
    await command("apt-get", ["download", "-q", await kernelPackage(), ...PACKAGES], {
      cwd: folder,
      remedy:
        "Debian's package lists may be too old: run apt-get update as root, then the same command again.",
    });
  }
  if (!existsSync(folder)) throw new StepError(`There is no folder ${folder}.`);
  const files = readdirSync(folder).filter((name) => name.endsWith(".deb"));
  if (files.length === 0) throw new StepError(`There are no packages (*.deb) in ${folder}.`);
  return files.sort().map((name) => join(folder, name));
}

async function kernelPackage() {
  const output = await command("apt-cache", ["depends", "--important", `${KERNEL_METAPACKAGE}:amd64`]);
  const name = /Depends: (linux-image-[^\s:]+)/.exec(output)?.[1];
  if (name === undefined)
    throw new StepError(`apt-cache knows no ${KERNEL_METAPACKAGE}; run apt-get update as root.`);
  return `${name}:amd64`;
}

function kernelVersion(debian) {
  const boot = join(debian, "boot");
  const kernels = existsSync(boot) ? readdirSync(boot).filter((name) => name.startsWith("vmlinuz-")) : [];
  const [kernel] = kernels;
  if (kernels.length !== 1 || kernel === undefined)
    throw new StepError(`The packages hold ${kernels.length} kernels, and it takes one.`);
  return kernel.slice("vmlinuz-".length);
}

/** Every owner root, every time zero: what is packed does not depend on who packs it, or when. */
async function pack(staged, file) {
  const same = ["-all-root", "-all-time", "0", "-mkfs-time", "0", "-no-xattrs", "-noappend"];
  await command("mksquashfs", [staged, file, "-comp", "zstd", ...same, "-quiet", "-no-progress"], {
    // It refuses to be told the time twice.
    env: { ...process.env, SOURCE_DATE_EPOCH: undefined },
  });
}

function writeManifest(made, debs) {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const files = readdirSync(made)
    .sort()
    .map((name) => [name, describe(join(made, name))]);
  const packages = debs.map((deb) => [deb.slice(deb.lastIndexOf("/") + 1), sha256(deb)]);
  const manifest = { version, files: Object.fromEntries(files), packages: Object.fromEntries(packages) };
  writeFileSync(join(made, "manifest.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
}

function describe(path) {
  return { bytes: statSync(path).size, sha256: sha256(path) };
}

function sha256(path) {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

/** Machines that run from an older image keep the files that they have open. */
function publish(made, out) {
  mkdirSync(out, { recursive: true });
  for (const name of readdirSync(made)) {
    writeFileSync(join(out, `${name}.new`), readFileSync(join(made, name)));
    renameSync(join(out, `${name}.new`), join(out, name));
  }
  const megabytes = ["vmlinuz", "initrd.gz", "root.squashfs"].map((name) => {
    return `${name} ${(statSync(join(out, name)).size / 1e6).toFixed(1)} MB`;
  });
  say(`${out}: ${megabytes.join(", ")}`);
}
