import { unpack, unpackedPeer } from "./unpacked.mjs";

const SOURCES = ["scripts/setup/stock-spice-html5.mjs", "scripts/setup/unpacked.mjs"];

/** Debian's spice-html5, the page that Nova's links of SPICE lead to: .cache/spice-html5/usr/share/spice-html5. */
export function stockSpiceHtml5(root) {
  return unpackedPeer(root, {
    name: "spice-html5",
    title: "Unpacking Debian's spice-html5",
    sources: SOURCES,
    build: async (folder) => await unpack(folder, ["spice-html5"]),
  });
}
