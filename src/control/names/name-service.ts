import { isDeepStrictEqual } from "node:util";
import { ConfigError, formatHostPort, type HostPort } from "#base/config.ts";
import type { Log } from "#base/process/log.ts";
import type { ZoneData } from "#dns/zone-data.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { ControlMeters } from "../observe/observing.ts";
import { periodically } from "../periodic.ts";
import { createReread } from "../settings/reread.ts";
import { type LastingServer, startLastingServer } from "./lasting-server.ts";
import type { ReadZones } from "./zone-reading.ts";

const intervals = {
  /** What nobody has told of: a node that fell silent, a setting, a challenge that expired. */
  readMs: 2_000,
  /** Until a name server that has failed is started anew. */
  restartMs: 1_000,
} as const;

export interface Names {
  readonly addresses: readonly HostPort[];
  stop(): Promise<void>;
}

/**
 * Answers for the domain out of memory. The zones are read every few seconds, and when some replica tells of something new; while
 * the database is away it stays as it was. Throws a ConfigError where an address cannot be listened on.
 */
export async function startNames({
  listen,
  readZones,
  cluster,
  log,
  meters,
  readMs = intervals.readMs,
  restartMs = intervals.restartMs,
}: {
  readonly listen: readonly HostPort[];
  readonly readZones: ReadZones;
  readonly cluster: Cluster;
  readonly log: Log;
  readonly meters?: ControlMeters | undefined;
  readonly readMs?: number;
  readonly restartMs?: number;
}): Promise<Names> {
  await using opened = new AsyncDisposableStack();
  const kept = new KeptZones();
  const server = opened.use(await start({ listen, zones: () => kept.zones, log, restartMs }));
  const reread = createReread(async () => {
    const { now, before } = await readZones();
    if (kept.take(now === undefined ? before : [now, ...before])) await server.serve(kept.zones);
  }, log);
  await reread.now();
  const subscription = cluster.subscribe("names", { heard: reread.soon, missed: reread.soon });
  opened.defer(() => subscription.stop());
  const looking = periodically(reread.now, { everyMs: readMs, name: "names", log });
  opened.defer(async () => await looking.stop());

  meters?.onRead((set) => {
    for (const { transport, outcome, count } of server.tally.read())
      set("porthole_dns_questions_total", count, { transport, result: outcome });
    set("porthole_dns_names", kept.names);
  });
  const owned = opened.move();
  return { addresses: server.addresses, stop: async () => await owned.disposeAsync() };
}

async function start(options: Parameters<typeof startLastingServer>[0]): Promise<LastingServer> {
  try {
    return await startLastingServer(options);
  } catch (cause) {
    if (!(cause instanceof Error && "syscall" in cause)) throw cause;
    const addresses = options.listen.map(formatHostPort).join(",");
    throw new ConfigError([`--dns-listen ${addresses}: ${cause.message}`]);
  }
}

/** The zones as they were last read, of another serial only where something has changed. */
class KeptZones {
  zones: readonly ZoneData[] = [];

  /** Of one node there may be several names. */
  get names(): number {
    return this.zones.reduce((sum, { addresses }) => sum + addresses.length, 0);
  }

  /** Whether something has changed. */
  take(read: readonly ZoneData[]): boolean {
    const before = this.zones;
    this.zones = read.map((zone) => this.#follow(zone));
    return before.length !== read.length || this.zones.some((zone, index) => zone !== before[index]);
  }

  #follow(zone: ZoneData): ZoneData {
    const before = this.zones.find(({ domain }) => domain === zone.domain);
    if (before === undefined) return zone;
    if (isDeepStrictEqual({ ...zone, serial: before.serial }, before)) return before;
    // Serials rise, however fast things change.
    return { ...zone, serial: Math.max(zone.serial, before.serial + 1) };
  }
}
