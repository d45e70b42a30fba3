/** The viewers' end of every measurement: many consoles in one process, and what they saw. */

import { setTimeout as delay } from "node:timers/promises";
import { quantile } from "../measure/statistics.ts";
import { Console, type Target } from "./console.ts";
import { type Caller, callerAt, type Entrance } from "./entrance.ts";
import { serve } from "./remote.ts";
import { SMALL_UPDATE_BYTES, STAMP_OFFSET } from "./rfb.ts";

export interface ViewerCommands {
  /** Opens this many consoles, holds them, and resolves when each has seen its first update. */
  open(order: {
    readonly entrance: Entrance;
    readonly count: number;
    readonly callers: number;
  }): Promise<void>;
  /** From here on, counts bytes and looks at none. */
  count(): Promise<void>;
  /** From here on, takes the time of every small update, and asks for the next one as a viewer does. */
  watch(): Promise<void>;
  /** What came since the last `sample`. Fails if a console ended. */
  sample(): Promise<Sample>;
  /** Opens consoles one after the other, closing each as soon as it has shown something. */
  cycle(order: Repetition): Promise<Cycles>;
  /** Asks the API for consoles one after the other, and opens none of them. */
  ask(order: Repetition): Promise<Cycles>;
}

interface Repetition {
  readonly entrance: Entrance;
  /** How many do it at once. */
  readonly callers: number;
  readonly lasts: { readonly seconds: number } | { readonly times: number };
  /** Begun so often, however long each takes; otherwise each caller begins again as soon as it can. */
  readonly perSecond?: number;
}

export interface Sample {
  readonly seconds: number;
  readonly bytes: number;
  readonly updates: number;
  /** From the upstream's write to the viewer's read. Zero unless watching. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Cycles {
  readonly seconds: number;
  readonly times: number;
  /** From the question to the API to its answer, or to the first byte behind the handshake. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Viewers come from several addresses, so that the ephemeral ports of one do not run out. */
const VIEWERS_PER_ADDRESS = 1000;

interface Viewer {
  readonly console: Console;
  bytes: (chunk: Buffer, start: number, end: number) => void;
}

const viewers: Viewer[] = [];
let opened = 0;
let watching = false;
let failure: Error | undefined;
let since = performance.now();
let bytes = 0;
let latenciesMs: number[] = [];

serve<ViewerCommands>({
  open: async ({ entrance, count, callers }) => {
    let left = count;
    await each(entrance, callers, async (caller) => {
      while (left-- > 0) await hold(await caller.next());
    });
  },
  count: async () => {
    for (const viewer of viewers) viewer.bytes = countBytes;
  },
  watch: async () => {
    watching = true;
  },
  sample: async () => sample(),
  cycle: async (order) => await repeat(order, async (caller) => await glance(await caller.next())),
  ask: async (order) => await repeat(order, async (caller) => void (await caller.next())),
});

function sample(): Sample {
  if (failure !== undefined) throw failure;
  const now = performance.now();
  const taken = {
    seconds: (now - since) / 1000,
    bytes,
    updates: latenciesMs.length,
    ...quantiles(latenciesMs),
  };
  since = now;
  bytes = 0;
  latenciesMs = [];
  return taken;
}

/**
 * Has every caller do `work` again and again, and takes the time of each: from when it was to begin, so that what waits
 * for a caller who still waits himself counts.
 */
async function repeat(
  { entrance, callers, lasts, perSecond = Infinity }: Repetition,
  work: (caller: Caller) => Promise<void>,
): Promise<Cycles> {
  const tookMs: number[] = [];
  const start = performance.now();
  let begun = 0;
  const isOver = (now: number) =>
    "times" in lasts ? begun >= lasts.times : now - start >= lasts.seconds * 1000;
  await each(entrance, callers, async (caller) => {
    for (let now = start; !isOver(now); now = performance.now()) {
      const due = start + (1000 / perSecond) * begun++;
      if (due > now) await delay(due - now);
      await work(caller);
      tookMs.push(performance.now() - (perSecond === Infinity ? now : due));
    }
  });
  return { seconds: (performance.now() - start) / 1000, times: tookMs.length, ...quantiles(tookMs) };
}

/** Runs `work` for so many callers at once. */
async function each(
  entrance: Entrance,
  callers: number,
  work: (caller: Caller) => Promise<void>,
): Promise<void> {
  await Promise.all(
    Array.from({ length: callers }, async () => {
      using caller = await callerAt(entrance, address());
      await work(caller);
    }),
  );
}

function address(): string {
  return `127.78.2.${1 + (Math.floor(opened / VIEWERS_PER_ADDRESS) % 250)}`;
}

/** Opens a console and keeps it: should it end, the measurement has failed. */
function hold(target: Target): Promise<void> {
  return new Promise((resolve, reject) => {
    const console = new Console(target, address(), {
      open: resolve,
      bytes: (chunk, start, end) => viewer.bytes(chunk, start, end),
      ended: (why) => {
        failure ??= new Error(`a console ended: ${why}`);
        reject(failure);
      },
    });
    const viewer: Viewer = { console, bytes: updateReader(console) };
    viewers.push(viewer);
    opened++;
  });
}

/** Opens a console and leaves as soon as it shows something. */
function glance(target: Target): Promise<void> {
  return new Promise((resolve, reject) => {
    const console = new Console(target, address(), {
      open: () => {
        resolve();
        console.end("seen");
      },
      bytes: () => {},
      ended: (why) => reject(new Error(`a console ended: ${why}`)),
    });
    opened++;
  });
}

function countBytes(_chunk: Buffer, start: number, end: number): void {
  bytes += end - start;
}

/** Cuts the stream into its small updates and reads the time off each. */
function updateReader(console: Console): Viewer["bytes"] {
  const update = Buffer.alloc(SMALL_UPDATE_BYTES);
  let have = 0;
  return (chunk, start, end) => {
    const now = process.hrtime.bigint();
    bytes += end - start;
    for (let at = start; at < end; ) {
      const copied = chunk.copy(update, have, at, Math.min(end, at + SMALL_UPDATE_BYTES - have));
      at += copied;
      have += copied;
      if (have < SMALL_UPDATE_BYTES) return;
      have = 0;
      if (!watching) continue;
      latenciesMs.push(Number(now - update.readBigUInt64BE(STAMP_OFFSET)) / 1e6);
      console.request();
    }
  };
}

function quantiles(values: readonly number[]): { readonly p50Ms: number; readonly p99Ms: number } {
  const sorted = Float64Array.from(values).sort();
  return { p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) };
}
