import { join } from "node:path";
import { command } from "./command.mjs";
import { unpackedPeer } from "./unpacked.mjs";

const SOURCES = ["test/peers/vcsim/main.go", "test/peers/vcsim/vnc.go"];

/**
 * The vCenter of the tests, .cache/vcsim/vcsim: Debian's govmomi, which is a simulator without a program, and what test/peers/vcsim
 * adds to it. Go builds it from Debian's packages alone, so nothing is fetched.
 */
export function vcsim(root) {
  return unpackedPeer(root, {
    name: "vcsim",
    title: "Building the vCenter that tests ask",
    sources: ["scripts/setup/vcsim.mjs", ...SOURCES],
    build: (folder) =>
      command("go", ["build", "-o", join(folder, "vcsim"), ...SOURCES.map((source) => join(root, source))], {
        env: {
          ...process.env,
          GO111MODULE: "off",
          GOPATH: "/usr/share/gocode",
          GOFLAGS: "",
          // What was compiled of others stays when only ours is built anew.
          GOCACHE: join(root, ".cache", "go"),
        },
        remedy: "It takes the Debian packages golang-go and golang-github-vmware-govmomi-dev.",
      }),
  });
}
