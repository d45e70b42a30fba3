import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { cpioArchive, directory, file } from "../../scripts/setup/cpio.mjs";

/** In the order in which they are loaded, each behind what it needs. */
const MODULES = [
  // The bus, the disks, and what is on them.
  "drivers/virtio/virtio_ring",
  "drivers/virtio/virtio",
  "drivers/virtio/virtio_pci_legacy_dev",
  "drivers/virtio/virtio_pci_modern_dev",
  "drivers/virtio/virtio_pci",
  "drivers/block/virtio_blk",
  "fs/squashfs/squashfs",
  "drivers/cdrom/cdrom",
  "fs/isofs/isofs",
  // The network.
  "net/core/failover",
  "drivers/net/net_failover",
  "drivers/net/virtio_net",
  // Randomness from the host, and its button for switching off.
  "drivers/char/hw_random/rng-core",
  "drivers/char/hw_random/virtio-rng",
  "drivers/acpi/button",
  "drivers/input/evdev",
];

/** The first file system, in memory, which finds the second. */
export function initramfs({ debian, version }) {
  const modules = join(debian, "lib", "modules", version, "kernel");
  const init = fileURLToPath(new URL("guest/initramfs-init.sh", import.meta.url));
  return gzipSync(
    cpioArchive([
      ...["bin", "proc", "sys", "dev", "modules", "root"].map(directory),
      file("init", readFileSync(init)),
      file("bin/busybox", readFileSync(join(debian, "bin", "busybox"))),
      ...MODULES.flatMap((name, index) => {
        const path = join(modules, `${name}.ko`);
        // What one kernel has as a module another has built in; without a disk it will not boot, and says so.
        return existsSync(path)
          ? [file(`modules/${String(index).padStart(2, "0")}.ko`, readFileSync(path))]
          : [];
      }),
    ]),
    { level: 9 },
  );
}
