import { hostOf } from "#base/process/probe/connection.ts";
import { type Seen, type SelfCheck, selfCheckLimits, toLine } from "#wire/self-check.ts";
import type { Entrance } from "../fleet/public-names.ts";
import type { CheckedNode } from "./checked-nodes.ts";

/** Nodes that share an entrance are one to a client. */
export function entrancesOf(
  nodes: readonly CheckedNode[],
  addresses: ReadonlyMap<string, readonly string[]>,
): SelfCheck["entrances"] {
  const byPlace = Map.groupBy(
    nodes.flatMap(({ id, state, entrance }) =>
      entrance === undefined || state !== "up" ? [] : [{ nodeId: id, ...placed(entrance) }],
    ),
    ({ pageOrigin, webSocketOrigin, publicPath }) => `${pageOrigin} ${webSocketOrigin} ${publicPath}`,
  );
  return [...byPlace.values()].flatMap(([first]) =>
    first === undefined
      ? []
      : [{ ...first, addresses: [...(addresses.get(hostOf(new URL(first.pageOrigin))) ?? [])] }],
  );
}

function placed({ pageOrigin, webSocketOrigin, publicPath }: Entrance) {
  return { pageOrigin, webSocketOrigin, ...(publicPath === undefined ? {} : { publicPath }) };
}

/** What was found, as it is told: with words, and within its bounds. */
export function told({
  lines,
  entrances,
  origin,
  addresses = [],
  now,
}: {
  readonly lines: readonly Seen[];
  readonly entrances: SelfCheck["entrances"];
  readonly origin: string;
  readonly addresses?: readonly string[];
  readonly now: number;
}): SelfCheck {
  return {
    lines: bounded(lines).map(toLine),
    entrances,
    origin,
    addresses: [...addresses],
    now: new Date(now).toISOString(),
  };
}

/** What is left out is told, last. */
function bounded(lines: readonly Seen[]): readonly Seen[] {
  const { lines: most } = selfCheckLimits;
  if (lines.length <= most) return lines;
  const check = lines[0]?.check ?? "";
  const leftOut = { "left out": `${lines.length - most + 1} / ${lines.length}` };
  return [...lines.slice(0, most - 1), { check, finding: "skipped_left_out", facts: leftOut }];
}
