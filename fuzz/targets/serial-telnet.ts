import assert from "node:assert/strict";
import { concat } from "#base/bytes.ts";
import { Telnet } from "#protocols/serial/telnet.ts";
import type { Target } from "../target.ts";
import { told } from "./told.ts";

/** What it may be made to say in all, however long it is asked: eight answers to each option of each side, and sizes. */
const MOST_SAID = 2 * 256 * 8 * 3;

/** What a server of telnet says before a serial line. */
export const serialTelnet: Target = {
  name: "serial-telnet",
  words: [
    ...[[255], [255, 255], [255, 250], [255, 240], [255, 243], [13, 0], [13, 10]],
    ...[251, 252, 253, 254].flatMap((verb) => [0, 1, 3, 24, 31].map((option) => [255, verb, option])),
  ].map((bytes) => Uint8Array.from(bytes)),
  maxBytes: 16 * 1024,
  run(input, cut) {
    const said: Uint8Array[] = [];
    const telnet = new Telnet((bytes) => said.push(bytes));
    const data = concat([...cut(input)].map((piece) => telnet.decode(piece).slice()));
    assert.ok(data.length <= input.length, "more came out than went in");
    assert.ok(concat(said).length <= MOST_SAID, "it was made to talk on and on");
    return told([data, concat(said), telnet.encode(input)]);
  },
};
