/** Rows 3 and 11: what one more open console costs that nobody touches. */
import { setTimeout as wait } from "node:timers/promises";
import type { Contestant } from "../contestants/contestant.ts";
import { type Memory, memory } from "../measure/process-tree.ts";
import type { Row, Scale, Trial } from "./row.ts";
import { withContestant } from "./trial.ts";

const POLL_MS = 500;
const STILL_SHARE = 0.005;
const SETTLE_DEADLINE_MS = 60_000;
const KIB = 1024;
const MIB = 1024 * KIB;

export const idleMemory: Row = {
  number: 3,
  title: ({ idle, processPerViewer: { idle: fewer } }) =>
    `memory per further idle session, from ${idle[0]} to ${idle[1]}; with a process per viewer, from ${fewer[0]} to ${fewer[1]}`,
  contestants: [["Porthole", "bare relay"], "websockify", "nova-consoleproxy"],
  metrics: {
    rssKib: { label: "RSS per further session, KiB", digits: 1 },
    pssKib: { label: "PSS per further session, KiB", digits: 1 },
    rssBeforeMib: { label: "RSS at the first count, MiB", digits: 0 },
    rssAfterMib: { label: "RSS at the second count, MiB", digits: 0 },
    pssBeforeMib: { label: "PSS at the first count, MiB", digits: 0 },
    pssAfterMib: { label: "PSS at the second count, MiB", digits: 0 },
  },
  goals: [
    {
      what: "memory per further idle session",
      metric: "rssKib",
      against: "bare relay",
      bound: { atMost: 2.5 },
    },
  ],
  notes: [
    "All of a contestant's processes together (Porthole: control and node). Read when memory has been still; nothing is forced on the garbage collector, neither by flags nor by calls.",
    "websockify and nova-consoleproxy start a process for every viewer. Of these two, PSS is what to read: in RSS, every process counts again what they all share.",
  ],
  measure: (start, scale) =>
    withContestant(start, async ({ generators: { viewers }, contestant }) => {
      const { entrance } = contestant;
      const { callers } = scale;
      const { idle } = contestant.processPerViewer === undefined ? scale : scale.processPerViewer;
      const [few, many] = idle;
      await viewers.open({ entrance, count: few, callers });
      const before = await settled(contestant, scale);
      await viewers.open({ entrance, count: many - few, callers });
      const after = await settled(contestant, scale);
      await viewers.sample();
      return figures(before, after, many - few);
    }),
};

export const idleMemoryByTls: Row = {
  ...idleMemory,
  number: 11,
  title: (scale) => `with TLS, ${idleMemory.title(scale)}`,
  contestants: [["Porthole, TLS", "bare relay, TLS"], "haproxy's TLS before websockify"],
  goals: [
    {
      what: "memory per further idle session with TLS",
      metric: "rssKib",
      of: "Porthole, TLS",
      against: "bare relay, TLS",
      bound: { atMost: 1.25 },
    },
  ],
  notes: [
    "As row 3, with TLS 1.3 between viewer and contestant. The bare relay is Node's own TLS server with ws on it.",
  ],
};

/** Waits until memory has not moved for a while. Throws where it never comes to rest. */
async function settled(contestant: Contestant, { stillSeconds }: Scale): Promise<Memory> {
  const deadline = performance.now() + SETTLE_DEADLINE_MS;
  let reference = memoryOf(contestant);
  let since = performance.now();
  for (let now = since; now < deadline; now = performance.now()) {
    const current = memoryOf(contestant);
    if (Math.abs(current.rssBytes - reference.rssBytes) > reference.rssBytes * STILL_SHARE) {
      reference = current;
      since = now;
    } else if (now - since >= stillSeconds * 1000) return current;
    await wait(POLL_MS);
  }
  throw new Error("memory does not come to rest");
}

function memoryOf(contestant: Contestant): Memory {
  const parts = Object.values(contestant.processes).map(memory);
  return {
    rssBytes: parts.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
    pssBytes: parts.reduce((sum, { pssBytes }) => sum + pssBytes, 0),
  };
}

function figures(before: Memory, after: Memory, further: number): Trial {
  return {
    rssKib: (after.rssBytes - before.rssBytes) / further / KIB,
    pssKib: (after.pssBytes - before.pssBytes) / further / KIB,
    rssBeforeMib: before.rssBytes / MIB,
    rssAfterMib: after.rssBytes / MIB,
    pssBeforeMib: before.pssBytes / MIB,
    pssAfterMib: after.pssBytes / MIB,
  };
}
