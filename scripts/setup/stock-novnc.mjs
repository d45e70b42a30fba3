import { unpack, unpackedPeer } from "./unpacked.mjs";

const SOURCES = ["scripts/setup/stock-novnc.mjs", "scripts/setup/unpacked.mjs"];

/**
 * Debian's noVNC, as somebody embeds it who brings their own viewer: .cache/novnc/usr/share/novnc. Installed, it
 * would bring a Node of Debian's, over one that the machine may have from elsewhere.
 */
export function stockNoVnc(root) {
  return unpackedPeer(root, {
    name: "novnc",
    title: "Unpacking Debian's noVNC",
    sources: SOURCES,
    build: async (folder) => await unpack(folder, ["novnc"]),
  });
}
