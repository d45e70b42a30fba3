import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { command, StepError } from "./command.mjs";
import { cpioArchive, directory, file } from "./cpio.mjs";
import { unpack, unpackedPeer } from "./unpacked.mjs";

const SOURCES = ["guest.mjs", "guest-init.sh", "cpio.mjs", "unpacked.mjs"].map(
  (name) => `scripts/setup/${name}`,
);

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
 * the screen and on the serial line, at its prompt in seconds.
 */
export function guest(root) {
  return unpackedPeer(root, {
    name: "guest",
    title: "Preparing the guest that tests boot",
    sources: SOURCES,
    build,
  });
}

async function build(folder) {
  const unpacked = join(folder, "unpacked");
  mkdirSync(unpacked);
  await unpack(unpacked, [await kernelPackage(), "busybox-static:amd64"]);

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
