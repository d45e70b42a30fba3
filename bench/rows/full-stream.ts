/** Rows 2 and 10: screens that change as fast as they can be carried. */
import { setTimeout as wait } from "node:timers/promises";
import type { StartContestant } from "../contestants/contestant.ts";
import type { Row, Scale, Trial } from "./row.ts";
import { cpuBetween, GENERATOR_METRICS, withContestant } from "./trial.ts";

const GB = 1e9;

export const fullStream: Row = {
  number: 2,
  title: ({ floods }) => `full stream, ${floods} sessions`,
  contestants: ["Porthole", "haproxy", "bare relay", "websockify"],
  metrics: {
    cpuSecondsPerGb: { label: "CPU seconds per GB", digits: 3 },
    gbPerSecond: { label: "GB/s", digits: 2 },
    cpuPercent: { label: "CPU, % of a core", digits: 0 },
    ...GENERATOR_METRICS,
  },
  goals: [{ what: "CPU per GB", metric: "cpuSecondsPerGb", against: "haproxy", bound: { atMost: 1.15 } }],
  notes: [
    "The upstream writes raw updates of 64 KiB into every session as fast as it is let; the viewers count bytes. GB are 10⁹ bytes of console data at the viewer.",
    "Porthole's viewers acknowledged what they consumed, as porthole.v1 asks; all WebSocket viewers found the payload in the frames by hand and looked at none of it. haproxy carried the same bytes as bare TCP.",
  ],
  measure,
  control: { name: "direct", measure },
};

const { control: _, ...common } = fullStream;

export const fullStreamByTls: Row = {
  ...common,
  number: 10,
  title: ({ floods }) => `full stream by TLS, ${floods} sessions`,
  contestants: ["Porthole, TLS", "haproxy's TLS before websockify", "bare relay, TLS"],
  goals: [
    {
      what: "CPU per GB with TLS",
      metric: "cpuSecondsPerGb",
      of: "Porthole, TLS",
      against: "haproxy's TLS before websockify",
      bound: { atMost: 1 },
    },
  ],
  notes: [
    "As row 2, with TLS 1.3 between viewer and contestant, under ECDSA certificates, with the ciphers that each settles on by itself. haproxy ends TLS in TCP mode, and a websockify behind it does the WebSocket.",
  ],
};

async function measure(start: StartContestant, scale: Scale): Promise<Trial> {
  return await withContestant(start, async ({ generators: { upstream, viewers }, contestant, readCpu }) => {
    const { entrance } = contestant;
    await viewers.open({ entrance, count: scale.floods, callers: 1 });
    await viewers.count();
    await upstream.flood();
    await wait(scale.warmUpSeconds * 1000);

    await viewers.sample();
    const before = readCpu();
    await wait(scale.windowSeconds * 1000);
    const after = readCpu();
    const { seconds, bytes } = await viewers.sample();

    const { contestantSeconds, ...percents } = cpuBetween(before, after);
    return {
      ...percents,
      gbPerSecond: bytes / GB / seconds,
      cpuSecondsPerGb: contestantSeconds / (bytes / GB),
    };
  });
}
