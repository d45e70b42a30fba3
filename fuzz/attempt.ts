import { getHeapStatistics } from "node:v8";
import type { Random } from "./random.ts";
import type { Cut, Target } from "./target.ts";

const limits = {
  /** Buffers that one input of some kilobytes may bring into being. */
  bufferBytes: 64 * 1024 * 1024,
  /** Longer ones are not cut into single bytes: tens of thousands of pieces find no more, and take all the time. */
  oneByOneBytes: 4_096,
} as const;

/** Says what is wrong with a parser, if something is: it broke, made much of little, or took a piece for the whole. */
export async function attempt(
  target: Target,
  input: Uint8Array,
  random: Random,
): Promise<string | undefined> {
  const before = getHeapStatistics().external_memory;
  try {
    const whole = await target.run(input, (bytes) => [bytes]);
    const single = random.below(4) === 0 && input.length <= limits.oneByOneBytes;
    const pieces = await target.run(input, single ? oneByOne : randomly(random));
    const grown = getHeapStatistics().external_memory - before;
    if (grown > limits.bufferBytes) return `growth: buffers of ${grown} bytes`;
    return whole === pieces ? undefined : `difference: whole ${whole}; in pieces ${pieces}`;
  } catch (error) {
    return `crash: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
}

function* oneByOne(bytes: Uint8Array): Generator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += 1) yield bytes.slice(offset, offset + 1);
}

function randomly(random: Random): Cut {
  return function* pieces(bytes) {
    for (let offset = 0; offset < bytes.length; ) {
      const length = 1 + random.below(random.below(2) === 0 ? 8 : bytes.length);
      yield bytes.slice(offset, offset + length);
      offset += length;
    }
  };
}
