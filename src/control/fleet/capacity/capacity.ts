import type { Clock } from "#base/clock.ts";
import { type Meters, secondsSince } from "#base/process/admin/meters.ts";
import type { Log } from "#base/process/log.ts";
import { aborted } from "#base/process/role.ts";
import { Secret } from "#base/secret.ts";
import { fingerprint } from "#tls/node-identity.ts";
import type { Audit } from "../../audit/audit.ts";
import type { Cluster } from "../../cluster/cluster.ts";
import { periodically } from "../../periodic.ts";
import type { SettingValues } from "../../settings/settings.ts";
import type { Store } from "../../store/store.ts";
import type { Draining } from "../draining.ts";
import { writeJoinToken } from "../join-tokens.ts";
import type { Launcher } from "../launchers/launcher.ts";
import { silenceMs } from "../up.ts";
import { LauncherCalls } from "./calls.ts";
import { Launches } from "./launches.ts";
import { createFleetReading } from "./reading.ts";
import { CapacityScans, type JoinHints } from "./scan.ts";
import { tendLimits } from "./tend.ts";

const limits = {
  /** How often it is looked whether a scan is due, so that a changed interval counts at once. */
  tickMs: 1_000,
  /** A node that was cut off tries again every ten seconds at least: so long, and what counts as silence, is not held against it. */
  returnMs: 10_000,
  sweepMs: 60 * 60_000,
} as const;

interface Parts {
  readonly store: Store;
  readonly audit: Audit;
  readonly cluster: Cluster;
  readonly draining: Draining;
  readonly values: SettingValues;
  readonly clock: Clock;
  readonly log: Log;
  /** The installation's CA, PEM. */
  readonly authority: string;
  /** By pools; those that have none are looked at, and left alone. */
  readonly launchers: ReadonlyMap<string, Launcher>;
  readonly join: () => JoinHints;
  readonly meters?: Meters<CapacityMetric> | undefined;
}

type CapacityMetric =
  | "porthole_control_scans_total"
  | "porthole_control_scan_seconds"
  | "porthole_control_launches_total"
  | "porthole_control_places"
  | "porthole_control_spare_places"
  | "porthole_control_standby_places"
  | "porthole_control_pool_nodes";

/**
 * Keeps room in the pools: on the replica that leads, every `consoleproxy.capacityscan.interval`. All that must not be
 * forgotten is in the database (launches.ts) or with the launchers, so that a leader may end at any moment and the next one
 * goes on.
 */
export function startCapacity(parts: Parts): { stop(): Promise<void> } {
  const { store, cluster, values, log, meters } = parts;
  const launches = new Launches(parts);
  const read = createFleetReading(store);
  let latest: CapacityScans | undefined;
  meters?.onRead((set) => {
    for (const [pool, { places, spare, standby, existing, coming }] of latest?.pools ?? []) {
      set("porthole_control_places", places, { pool });
      set("porthole_control_spare_places", spare, { pool });
      set("porthole_control_standby_places", standby, { pool });
      set("porthole_control_pool_nodes", existing - coming, { pool, state: "there" });
      set("porthole_control_pool_nodes", coming, { pool, state: "coming" });
    }
  });

  const leading = cluster.lead("capacity", async (signal) => {
    const calls = new LauncherCalls(signal);
    const scans = new CapacityScans(
      {
        ...parts,
        launches,
        read: async () => await read(silenceMs(values)),
        settings: () => settingsOf(values),
        lostMs: () => values.value("session.lost.timeout"),
        newToken: async (order) => await newToken(parts, order),
        onLaunch: (launcher, result) => meters?.add("porthole_control_launches_total", { launcher, result }),
      },
      calls,
    );
    latest = scans;
    // While control was away, nobody could be heard of.
    let dueAt = performance.now() + silenceMs(values) + limits.returnMs;
    const scanIfDue = async () => {
      if (performance.now() < dueAt) return;
      const start = performance.now();
      const result = await outcomeOf(async () => await scans.scan(signal), { signal, log });
      meters?.add("porthole_control_scans_total", { result });
      meters?.observe("porthole_control_scan_seconds", secondsSince(start));
      dueAt = start + values.value("consoleproxy.capacityscan.interval");
    };
    const tasks = [
      periodically(scanIfDue, { everyMs: limits.tickMs, name: "capacity", log }),
      periodically(async () => await launches.sweep(), { everyMs: limits.sweepMs, name: "launches", log }),
    ];
    await aborted(signal);
    latest = undefined;
    await Promise.all(tasks.map(async (task) => await task.stop()));
    await calls.idle();
  });
  return { stop: async () => await leading.stop() };
}

async function outcomeOf(
  scan: () => Promise<void>,
  { signal, log }: { readonly signal: AbortSignal; readonly log: Log },
): Promise<"ok" | "failed"> {
  try {
    await scan();
    return "ok";
  } catch (error) {
    if (!signal.aborted) log.error({ error }, "A scan of the pools failed");
    return "failed";
  }
}

export function settingsOf(values: SettingValues) {
  return {
    standby: values.value("consoleproxy.capacity.standby"),
    sessionMax: values.value("consoleproxy.session.max"),
    launchMax: values.value("consoleproxy.launch.max"),
    shrinkAfterMs: values.value("capacity.shrink.delay"),
    isAuto: values.value("consoleproxy.management.state") === "Auto",
  };
}

/** Good for this order's node alone, and for as long as that is waited for. */
export async function newToken(
  { store, clock, authority }: Pick<Parts, "store" | "clock" | "authority">,
  { id: launchId, pool }: { readonly id: string; readonly pool: string },
): Promise<Secret> {
  const expiresInSeconds = tendLimits.joinMs / 1000;
  const { token } = await writeJoinToken(
    store.db,
    { pool, uses: 1, expiresInSeconds },
    { clock, authorityFingerprint: fingerprint(authority), launchId },
  );
  return new Secret(token);
}
