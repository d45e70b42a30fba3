import { chmodSync, copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { unpack, unpackedPeer } from "./unpacked.mjs";

/**
 * Prometheus' own checker of rules and queries, .cache/promtool/promtool, out of Debian's package. Installing that
 * package would start a Prometheus on the machine.
 */
export function promtool(root) {
  return unpackedPeer(root, {
    name: "promtool",
    title: "Preparing promtool",
    sources: ["scripts/setup/promtool.mjs", "scripts/setup/unpacked.mjs"],
    build,
  });
}

async function build(folder) {
  const packages = join(folder, "packages");
  mkdirSync(packages);
  await unpack(packages, ["prometheus"]);
  copyFileSync(join(packages, "usr/bin/promtool"), join(folder, "promtool"));
  chmodSync(join(folder, "promtool"), 0o755);
  rmSync(packages, { recursive: true });
}
