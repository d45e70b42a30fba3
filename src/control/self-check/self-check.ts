import { sql } from "kysely";
import type { Clock } from "#base/clock.ts";
import { systemClock } from "#base/clock.ts";
import { hostOf } from "#base/process/probe/connection.ts";
import { type CheckName, type Seen, type SelfCheck, selfCheckLimits, toLine } from "#wire/self-check.ts";
import { requireAdministrator } from "../rights.ts";
import type { SelfChecks } from "../services.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Store } from "../store/store.ts";
import { type CheckedNode, checkedNodes } from "./checked-nodes.ts";
import { addressesOf, domainLine, type Names, nameLines, SYSTEM_NAMES } from "./name-lines.ts";
import { nodeLines } from "./node-lines.ts";

const limits = {
  /** An answer of the database that takes longer is told of: each console waits for several. */
  slowMs: 250,
  /** For all that control looks at by itself. */
  controlMs: 15_000,
} as const;

export interface SelfCheckParts {
  readonly store: Store;
  readonly values: SettingValues;
  readonly clock: Clock;
  readonly publicOrigin: () => string;
  readonly version: string;
  readonly names?: Names;
}

/** Looks at what consoles need, from control's side. Nothing is changed by it. */
export function createSelfChecks(parts: SelfCheckParts): SelfChecks {
  const { store, values, clock, publicOrigin, version, names = SYSTEM_NAMES } = parts;
  return {
    async control(caller, { node: nodeId } = {}) {
      requireAdministrator(caller);
      const signal = AbortSignal.timeout(limits.controlMs);
      const { nodes, leftOut } = await checkedNodes(parts, { now: clock.now(), nodeId });
      const context = { now: clock.now(), version, wantsTls: values.value("consoleproxy.sslEnabled") };
      const [database, named, domain, addresses] = await Promise.all([
        databaseLines(store),
        nameLines(nodes, { ...names, signal }),
        domainLine(values.value("consoleproxy.url.domain"), {
          ...names,
          wanted: values.value("dns.name.servers").map(({ name }) => name.toLowerCase()),
          signal,
        }),
        addressesOf(publicOrigin(), { ...names, signal }),
      ]);
      return told({
        lines: [
          ...database,
          domain,
          ...named.lines,
          ...nodes.flatMap((node) => nodeLines(node, context)),
          ...remarks(nodes, leftOut),
        ],
        entrances: entrancesOf(nodes, named.addresses),
        addresses,
        now: clock.now(),
      });
    },
  };
}

async function databaseLines(store: Store): Promise<readonly Seen<CheckName>[]> {
  const before = systemClock.now();
  const { rows } = await sql<{ now: number }>`select ${store.now} as now`.execute(store.db);
  const after = systemClock.now();
  const took = after - before;
  const database: Seen<CheckName> = {
    check: "control.database",
    finding: took > limits.slowMs ? "database_slow" : "ok",
    facts: { took: `${took} ms` },
  };
  // Only one process at a time has an embedded database, and its clock.
  if (store.transactionsAtOnce === 1)
    return [database, { check: "control.clock", finding: "skipped_same_clock" }];
  const skew = (rows[0]?.now ?? 0) - (before + after) / 2;
  const isOff = Math.abs(skew) > selfCheckLimits.skewMs;
  return [
    database,
    {
      check: "control.clock",
      finding: isOff ? "clock_off" : "ok",
      facts: { skew: `${Math.round(skew)} ms` },
    },
  ];
}

function remarks(nodes: readonly CheckedNode[], leftOut: number): readonly Seen<CheckName>[] {
  if (nodes.length === 0) return [{ check: "control.link", finding: "no_nodes" }];
  if (leftOut === 0) return [];
  return [
    {
      check: "control.link",
      finding: "skipped_left_out",
      facts: { "left out": `${leftOut} of ${leftOut + nodes.length} nodes` },
    },
  ];
}

/** Nodes that share an entrance are one to a client. */
function entrancesOf(
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

function told({
  lines,
  entrances,
  addresses,
  now,
}: {
  readonly lines: readonly Seen<CheckName>[];
  readonly entrances: SelfCheck["entrances"];
  readonly addresses: readonly string[];
  readonly now: number;
}): SelfCheck {
  return {
    lines: lines.slice(0, selfCheckLimits.lines).map(toLine),
    entrances,
    addresses: [...addresses],
    now: new Date(now).toISOString(),
  };
}
