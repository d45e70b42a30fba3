import { join } from "node:path";
import { command } from "./command.mjs";
import { unpack, unpackedPeer, wouldInstall } from "./unpacked.mjs";

const SOURCES = ["scripts/setup/nova-consoleproxy.mjs", "scripts/setup/unpacked.mjs"];

const PACKAGE = "nova-consoleproxy";
/** Nova and its Python modules; the rest are services and libraries that its proxy does not load. */
const MODULES = /^(nova|python3)-/;

/**
 * Debian's Nova with its proxy for consoles, for tests and the benchmark: .cache/nova-consoleproxy. Installed, it would bring two
 * hundred packages, among them sudo and an iSCSI initiator, users, and services. What it depends on and the machine
 * has already is taken from the machine.
 */
export function novaConsoleproxy(root) {
  return unpackedPeer(root, {
    name: PACKAGE,
    title: "Unpacking Debian's nova-consoleproxy",
    sources: SOURCES,
    build,
  });
}

async function build(folder) {
  const names = (await wouldInstall([PACKAGE])).filter((name) => MODULES.test(name));
  await unpack(folder, [...new Set([PACKAGE, ...names])]);
  // Says here that something is missing, rather than in the middle of a run.
  await command("/usr/bin/python3", ["-c", "import nova.cmd.novncproxy, nova.db.main.models"], {
    env: { ...process.env, PYTHONPATH: join(folder, "usr/lib/python3/dist-packages") },
  });
}
