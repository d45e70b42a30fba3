import type { Target } from "./target.ts";

const common = { words: [], maxBytes: 64 } as const;
const held: Uint8Array[] = [];

/** Parsers that are none of ours, and are to be found out: what the tests of this folder try. */
export const TARGETS: readonly Target[] = [
  {
    ...common,
    name: "hangs",
    run() {
      for (;;);
    },
  },
  {
    ...common,
    name: "takes-all",
    run() {
      const texts: string[][] = [];
      for (;;) texts.push(Array.from({ length: 100_000 }, (_, index) => `${index}`));
    },
  },
  { ...common, name: "holds", run: () => `${held.push(new Uint8Array(256 * 1024)) > 0}` },
];
