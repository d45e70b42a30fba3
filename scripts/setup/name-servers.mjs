import { readdirSync } from "node:fs";
import { join } from "node:path";
import { command } from "./command.mjs";
import { unpack, unpackedPeer, wouldInstall } from "./unpacked.mjs";

const PACKAGES = ["bind9", "pdns-server", "pdns-backend-sqlite3", "pdns-recursor"];

/**
 * Name servers of other people, which the documentation has recipes for: .cache/name-servers. Installed, each would start on port
 * 53 of the machine. What they depend on and the machine has already is taken from the machine.
 */
export function nameServers(root) {
  return unpackedPeer(root, {
    name: "name-servers",
    title: "Unpacking Debian's BIND and PowerDNS",
    sources: ["scripts/setup/name-servers.mjs", "scripts/setup/unpacked.mjs"],
    build,
  });
}

async function build(folder) {
  await unpack(folder, [...new Set([...PACKAGES, ...(await wouldInstall(PACKAGES))])]);
  const libraries = join(folder, "usr/lib");
  const architecture = readdirSync(libraries).find((name) => name.endsWith("-linux-gnu"));
  const env = { ...process.env, LD_LIBRARY_PATH: join(libraries, architecture ?? "") };
  // Says here that a library is missing, rather than in the middle of a run.
  for (const [program, option] of [
    ["sbin/named", "-v"],
    ["sbin/pdns_recursor", "--version"],
    ["bin/pdnsutil", "--help"],
  ])
    await command(join(folder, "usr", program), [option], { env });
}
