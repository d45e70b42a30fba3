import { hostOf } from "#base/process/probe/connection.ts";
import { type Seen, type SelfCheck, selfCheckLimits, toLine } from "#wire/self-check.ts";
import type { CheckedNode } from "./checked-nodes.ts";

/** Nodes that share an entrance are one to a client. */
export function entrancesOf(
  nodes: readonly CheckedNode[],
  addresses: ReadonlyMap<string, readonly string[]>,
): SelfCheck["entrances"] {
  const byPlace = Map.groupBy(
    nodes.flatMap(({ id, state, entrance }) =>
      entrance === undefined || state !== "up" ? [] : [{ nodeId: id, ...entrance }],
    ),
    ({ pageOrigin, webSocketOrigin }) => `${pageOrigin} ${webSocketOrigin}`,
  );
  return [...byPlace.values()].flatMap(([first]) =>
    first === undefined
      ? []
      : [{ ...first, addresses: [...(addresses.get(hostOf(new URL(first.pageOrigin))) ?? [])] }],
  );
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
    lines: lines.slice(0, selfCheckLimits.lines).map(toLine),
    entrances,
    origin,
    addresses: [...addresses],
    now: new Date(now).toISOString(),
  };
}
