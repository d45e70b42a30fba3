import { unpack, unpackedPeer } from "./unpacked.mjs";

/**
 * What stands in for Debian's slim image where no registry of images can be reached: the same packages' files, of
 * which only those are there that the image of Porthole uses, in .cache/container-base.
 */
const PACKAGES = [
  ...["base-files", "libc6", "libgcc-s1", "libstdc++6", "gcc-12-base", "dash"],
  ...["coreutils", "libselinux1", "libpcre2-8-0", "libattr1", "libacl1", "libgmp10"],
];

export function containerBase(root) {
  return unpackedPeer(root, {
    name: "container-base",
    title: "Preparing the base of the container image",
    sources: ["scripts/setup/container-base.mjs", "scripts/setup/unpacked.mjs"],
    build: (folder) => unpack(folder, PACKAGES),
  });
}
