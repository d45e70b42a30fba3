import { sql } from "kysely";
import { type Clock, systemClock } from "#base/clock.ts";
import { type CheckName, type Seen, type SelfCheck, selfCheckLimits } from "#wire/self-check.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Store } from "../store/store.ts";
import { type CheckedNode, checkedNodes } from "./checked-nodes.ts";
import { emptyPoolLines } from "./empty-pools.ts";
import { addressesOf, domainLine, type Names, nameLines, SYSTEM_NAMES } from "./name-lines.ts";
import { nodeLines } from "./node-lines.ts";
import { entrancesOf, told } from "./told.ts";

const limits = {
  /** An answer of the database that takes longer is told of: each console waits for several. */
  slowMs: 250,
  /** For all that control looks at by itself. */
  totalMs: 15_000,
} as const;

export interface ControlParts {
  readonly store: Store;
  readonly values: SettingValues;
  readonly clock: Clock;
  readonly publicOrigin: () => string;
  readonly version: string;
  readonly names?: Names;
}

/** What control sees by itself: its database, names, and what it has of each node. */
export async function lookFromControl(
  parts: ControlParts,
  { nodeId }: { readonly nodeId?: string | undefined } = {},
): Promise<SelfCheck> {
  const { store, values, clock, publicOrigin, version, names = SYSTEM_NAMES } = parts;
  const signal = AbortSignal.timeout(limits.totalMs);
  const { nodes, leftOut } = await checkedNodes(parts, { now: clock.now(), nodeId });
  const context = { now: clock.now(), version, wantsTls: values.value("consoleproxy.sslEnabled") };
  const [database, pools, named, domain, addresses] = await Promise.all([
    databaseLines(store),
    // Of one node alone nobody asks for the others; and without any, all pools have none.
    nodeId === undefined && nodes.length > 0 ? emptyPoolLines(store) : [],
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
      ...pools,
    ],
    entrances: entrancesOf(nodes, named.addresses),
    origin: publicOrigin(),
    addresses,
    now: clock.now(),
  });
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
      facts: { "left out": `${leftOut} / ${leftOut + nodes.length}` },
    },
  ];
}
