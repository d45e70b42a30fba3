import { concat } from "#base/bytes.ts";
import type { Random } from "./random.ts";

const limits = {
  /** One on top of the other. */
  mutations: 6,
  /** Of one part that is said again and again. */
  repeats: 64,
  partBytes: 64,
} as const;

/** Where lengths and counts are off by one, overflow, or have a sign. */
const BYTES = [0, 1, 2, 3, 4, 16, 19, 20, 32, 64, 127, 128, 254, 255] as const;
const WORDS = [0, 1, 255, 256, 0x7fff, 0x8000, 0xfffe, 0xffff] as const;
const LONGS = [
  ...[0, 1, 4, 255, 256, 4096, 4097, 16_384, 16_385, 65_535, 65_536, 1 << 20, 1 << 22],
  ...[5 * (1 << 20), 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff],
] as const;

interface Material {
  readonly random: Random;
  /** Something else that was said once, to be crossed with. */
  readonly other: Uint8Array;
  /** Bytes that mean something to the parser. */
  readonly words: readonly Uint8Array[];
  readonly maxBytes: number;
}

type Mutation = (bytes: Uint8Array, material: Material) => Uint8Array;

/** What a peer said, with something about it changed. */
export function mutate(bytes: Uint8Array, material: Material): Uint8Array {
  const { random, maxBytes } = material;
  let mutated = bytes;
  // Half of the time one alone: text of any form bears few more before it is none.
  const mutations = 1 + random.below(random.below(2) * limits.mutations);
  for (let left = mutations; left > 0; left -= 1)
    mutated = random.pick(MUTATIONS)(mutated, material).subarray(0, maxBytes);
  return mutated;
}

const MUTATIONS: readonly [Mutation, ...Mutation[]] = [
  (bytes, { random }) => flipped(bytes, random),
  (bytes, { random }) => written(bytes, random, [random.pick(BYTES)]),
  (bytes, { random }) => written(bytes, random, bigEndian(random.pick(WORDS), 2)),
  (bytes, { random }) => written(bytes, random, bigEndian(random.pick(LONGS), 4)),
  (bytes, { random }) => written(bytes, random, bigEndian(random.below(64), 4)),
  (bytes, { random }) => inserted(bytes, random, [random.below(256)]),
  (bytes, { random, words }) => inserted(bytes, random, words[random.below(words.length)] ?? []),
  (bytes, { random, words }) => written(bytes, random, words[random.below(words.length)] ?? []),
  (bytes, { random }) => inserted(bytes, random, part(bytes, random)),
  (bytes, { random }) => inserted(bytes, random, repeated(part(bytes, random), random)),
  (bytes, { random }) => written(bytes, random, part(bytes, random)),
  (bytes, { random, other }) => inserted(bytes, random, part(other, random)),
  (bytes, { random, other }) =>
    concat([bytes.subarray(0, random.below(bytes.length + 1)), other.subarray(random.below(other.length))]),
  (bytes, { random }) => {
    const start = random.below(bytes.length);
    return concat([bytes.subarray(0, start), bytes.subarray(start + 1 + random.below(limits.partBytes))]);
  },
  (bytes, { random }) => bytes.subarray(0, random.below(bytes.length + 1)),
  numberChanged,
  valueChanged,
];

function flipped(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = random.below(copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
  return copy;
}

/** Over what stands there; half of the time where a word of four bytes begins. */
function written(bytes: Uint8Array, random: Random, what: ArrayLike<number>): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = random.below(copy.length);
  const aligned = random.below(2) === 0 ? at - (at % 4) : at;
  copy.set(Array.from(what).slice(0, copy.length - aligned), aligned);
  return copy;
}

function inserted(bytes: Uint8Array, random: Random, what: ArrayLike<number>): Uint8Array {
  const at = random.below(bytes.length + 1);
  return concat([bytes.subarray(0, at), Uint8Array.from(what), bytes.subarray(at)]);
}

function part(bytes: Uint8Array, random: Random): Uint8Array {
  const start = random.below(bytes.length);
  return bytes.subarray(start, start + 1 + random.below(limits.partBytes));
}

function repeated(what: Uint8Array, random: Random): Uint8Array {
  return concat(Array.from({ length: 1 + random.below(limits.repeats) }, () => what));
}

/** A number in text becomes another. */
function numberChanged(bytes: Uint8Array, { random }: Material): Uint8Array {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const numbers = [...text.matchAll(/\d+/g)];
  const found = numbers[random.below(numbers.length)];
  if (found === undefined) return bytes;
  const number = `${random.pick([-1, 0, 1, 1e3, 4095, 65_535, 65_536, 100_001, 1e9, 1e20])}`;
  const end = found.index + found[0].length;
  return concat([bytes.subarray(0, found.index), Buffer.from(number), bytes.subarray(end)]);
}

/** What stands between quotes, as values do in XML and JSON, becomes nothing, a word, or another value. */
function valueChanged(bytes: Uint8Array, { random, words }: Material): Uint8Array {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  const values = [...text.matchAll(/'[^']*'|"[^"]*"/g)];
  const found = values[random.below(values.length)];
  if (found === undefined) return bytes;
  const [start, end] = [found.index + 1, found.index + found[0].length - 1];
  const other = values[random.below(values.length)]?.[0].slice(1, -1) ?? "";
  const value = random.pick<Uint8Array>([
    new Uint8Array(0),
    Buffer.from(other, "latin1"),
    words[random.below(words.length)] ?? new Uint8Array(0),
    bytes.subarray(start, start + random.below(end - start)),
  ]);
  return concat([bytes.subarray(0, start), value, bytes.subarray(end)]);
}

function bigEndian(value: number, length: 2 | 4): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes.subarray(4 - length);
}
