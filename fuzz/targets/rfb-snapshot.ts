import { type ScreenSize, takeSnapshot } from "#protocols/rfb/snapshot.ts";
import { Miniature, shrunk } from "#proxy/thumbnails/miniature.ts";
import type { Target } from "../target.ts";
import { converse } from "./sequence.ts";

/** By the first byte of an input. The first two are those of what was recorded, of Xvnc's and of QEMU's, which sends all of its own. */
export const SCREENS: readonly [ScreenSize, ...ScreenSize[]] = [
  { width: 32, height: 16 },
  { width: 640, height: 480 },
  { width: 1, height: 1 },
  { width: 3, height: 700 },
  { width: 700, height: 2 },
  { width: 0, height: 0 },
  { width: 0, height: 65_535 },
  { width: 65_535, height: 1 },
  { width: 16_384, height: 65_535 },
];
const BOX = { width: 320, height: 240 };

/** A screen's picture, from the server's words behind ServerInit to what becomes of its pixels. */
export const snapshot: Target = {
  name: "rfb-snapshot",
  words: [
    Uint8Array.of(2),
    Uint8Array.of(0, 0, 0, 1),
    Uint8Array.of(3, 0, 0, 0, 0, 0, 0, 4),
    Uint8Array.of(0, 0, 0, 0, 0, 32, 0, 1, 0, 0, 0, 0),
  ],
  maxBytes: 16 * 1024,
  run(input, cut) {
    // Most of the time the recorded ones: the others are there for their size.
    const [number = 0] = input;
    const screen = SCREENS[number < 248 ? number % 2 : number % SCREENS.length] ?? SCREENS[0];
    return converse(input.subarray(1), cut, function* look(send) {
      const picture = new Miniature(screen, BOX);
      yield* takeSnapshot(screen, { send, paint: picture.paint });
      return shrunk(picture.picture(), { width: 8, height: 8 });
    });
  },
};
