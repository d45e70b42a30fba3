import { type ProbeOptions, probeEntrance } from "#base/process/probe/probe-entrance.ts";
import {
  type CheckedEntrance,
  type CheckLine,
  type CheckName,
  NODE_SPEECH,
  placesOf,
  type Seen,
  selfCheckLimits,
  toLine,
} from "#wire/self-check.ts";

import { forwardingLine } from "./forwarding-line.ts";

const limits = {
  /** Entrances that are looked at at once. */
  entrancesAtOnce: 5,
  /** For each step: a browser waits longer, people do not. */
  stepMs: 5_000,
} as const;

/** What a browser here would come to at each entrance, in the order in which they were given. */
export async function clientLines(
  entrances: readonly CheckedEntrance[],
  options: Pick<ProbeOptions, "resolve" | "trust" | "signal">,
): Promise<readonly CheckLine[]> {
  const probe = { ...options, speech: NODE_SPEECH, stepMs: limits.stepMs, skewMs: selfCheckLimits.skewMs };
  const found = new Map<CheckedEntrance, readonly CheckLine[]>();
  const waiting = entrances.values();
  const look = async () => {
    for (const entrance of waiting) {
      const probed = await probeEntrance(placesOf(entrance), probe);
      const seen = probed.map(
        ({ check, ...rest }): Seen<CheckName> => ({ ...rest, check: `client.${check}` }),
      );
      const isThere = probed.some(({ check, finding }) => check === "page" && finding === "ok");
      const { nodeId, token } = entrance;
      if (token !== undefined && isThere) seen.push(await forwardingLine({ ...entrance, token }, probe));
      found.set(
        entrance,
        seen.map((line) => toLine({ ...line, nodeId })),
      );
    }
  };
  await Promise.all(Array.from({ length: limits.entrancesAtOnce }, look));
  return entrances.flatMap((entrance) => found.get(entrance) ?? []);
}
