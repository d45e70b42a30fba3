import { ProtocolError } from "#base/protocol-error.ts";
import { toShown } from "#hypervisors/picture.ts";
import { ascii, type Target } from "../target.ts";
import { told } from "./told.ts";

/** A machine's picture as its platform has it. It is read once it is whole. */
export const screenshot: Target = {
  name: "screenshot",
  words: [
    ...ascii("P6", "P5", "#\n", "\n255\n", " 1 1 ", " 16384 ", "99999", "65535", "IHDR"),
    // A PNG's signature, which is no text.
    Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    // T.81's SOI with APP0, a frame, a scan, an end.
    ...["ffd8ffe00010", "ffc0001108", "ffc2000b08", "ffda0008", "ffd9"].map((hex) => Buffer.from(hex, "hex")),
  ],
  maxBytes: 64 * 1024,
  async run(input) {
    try {
      return told(await toShown({ mediaType: "image/x-portable-pixmap", bytes: input }));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      return `${error.name}: ${error.message}`;
    }
  },
};
