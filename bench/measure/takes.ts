/** How long each of many takes, of which so many are done at once. */
import { quantile } from "./statistics.ts";

export interface Takes {
  readonly seconds: number;
  readonly times: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export async function timeEach<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<Takes> {
  const queue = items.values();
  const tookMs: number[] = [];
  const start = performance.now();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const item of queue) {
        const begun = performance.now();
        await work(item);
        tookMs.push(performance.now() - begun);
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  const sorted = tookMs.toSorted((a, b) => a - b);
  return { seconds, times: sorted.length, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) };
}
