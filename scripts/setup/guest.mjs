import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { has, privilege, withPackageLists } from "./apt.mjs";
import { command, StepError } from "./command.mjs";
import { cpioArchive, directory, file } from "./cpio.mjs";
import { during, say } from "./progress.mjs";
import { digest, isStamped, stamp } from "./stamp.mjs";

const SOURCES = ["scripts/setup/guest.mjs", "scripts/setup/guest-init.sh", "scripts/setup/cpio.mjs"];

/** Debian's small kernel for virtual machines; a metapackage that depends on the current one. */
const KERNEL_METAPACKAGE = "linux-image-cloud-amd64";

/** In the order in which they are loaded: the bus, the tablet, and what makes /dev/input of it. */
const MODULES = [
  "drivers/virtio/virtio_ring",
  "drivers/virtio/virtio",
  "drivers/virtio/virtio_pci_legacy_dev",
  "drivers/virtio/virtio_pci_modern_dev",
  "drivers/virtio/virtio_pci",
  "drivers/virtio/virtio_input",
  "drivers/input/evdev",
];

/**
 * The guest that tests run in QEMU: .cache/guest/{vmlinuz,initrd.gz}, Debian's kernel with a busybox shell on
 * the screen and on the serial line, at its prompt in seconds. Both packages are only unpacked here, never
 * installed, so this takes no root.
 */
export function guest(root) {
  const folder = join(root, ".cache", "guest");
  const stampPath = join(folder, "stamp");
  let obstacle = "";
  const isDone = () => isStamped(stampPath, digest(root, SOURCES));
  return {
    isDone,
    run: async () => {
      try {
        await during("Preparing the guest that tests boot", () =>
          withPackageLists(privilege(), () => build(folder)),
        );
        stamp(stampPath, digest(root, SOURCES));
      } catch (error) {
        if (!(error instanceof StepError)) throw error;
        say(`${error.message}\nGoing on without; the tests that need it will be skipped, and say so.`);
        obstacle = error.message.split("\n")[0];
      }
    },
    missing: () => (isDone() ? [] : [["guest", `the guest could not be prepared: ${obstacle}`]]),
  };
}

async function build(folder) {
  if (!has("apt-get") || !has("dpkg-deb"))
    throw new StepError("The guest is made of Debian packages, and this machine has no apt-get.");
  rmSync(folder, { recursive: true, force: true });
  const unpacked = join(folder, "unpacked");
  mkdirSync(unpacked, { recursive: true });
  await downloadAll(folder, [await kernelPackage(), "busybox-static:amd64"]);
  for (const name of readdirSync(folder).filter((each) => each.endsWith(".deb"))) {
    await command("dpkg-deb", ["-x", join(folder, name), unpacked]);
    rmSync(join(folder, name));
  }

  const boot = join(unpacked, "boot");
  const kernel = readdirSync(boot).find((name) => name.startsWith("vmlinuz-"));
  if (kernel === undefined) throw new StepError(`${KERNEL_METAPACKAGE} held no kernel.`);
  renameSync(join(boot, kernel), join(folder, "vmlinuz"));
  const modules = join(unpacked, "lib", "modules", kernel.slice("vmlinuz-".length), "kernel");
  writeFileSync(join(folder, "initrd.gz"), gzipSync(cpioArchive(entries(unpacked, modules))));
  rmSync(unpacked, { recursive: true });
}

async function kernelPackage() {
  const output = await command("apt-cache", ["depends", "--important", `${KERNEL_METAPACKAGE}:amd64`]);
  const name = /Depends: (linux-image-\S+)/.exec(output)?.[1];
  if (name === undefined)
    throw new StepError(`apt-cache knows no ${KERNEL_METAPACKAGE}; run apt-get update.`);
  return name.includes(":") ? name : `${name}:amd64`;
}

async function downloadAll(folder, names) {
  await command("apt-get", ["download", "-q", ...names], {
    cwd: folder,
    remedy: "Debian's package lists may be too old: run apt-get update as root, then the same command again.",
  });
}

function entries(unpacked, modules) {
  const inits = fileURLToPath(new URL("guest-init.sh", import.meta.url));
  return [
    ...["bin", "proc", "sys", "dev", "root", "tmp", "modules"].map(directory),
    file("init", readFileSync(inits)),
    file("bin/busybox", readFileSync(join(unpacked, "bin", "busybox"))),
    ...MODULES.map((module, index) => [`modules/${index}.ko`, join(modules, `${module}.ko`)])
      .filter(([, path]) => existsSync(path))
      .map(([name, path]) => file(name, readFileSync(path))),
  ];
}
