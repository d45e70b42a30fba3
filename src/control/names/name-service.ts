import { isDeepStrictEqual } from "node:util";
import { ConfigError, formatHostPort, type HostPort } from "#base/config.ts";
import type { Log } from "#base/process/log.ts";
import { RateLimit } from "#dns/rate-limit.ts";
import { type NameServer, startNameServer } from "#dns/server.ts";
import { Zone } from "#dns/zone.ts";
import type { ZoneData } from "#dns/zone-data.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { ControlMeters } from "../observe/observing.ts";
import { periodically } from "../periodic.ts";
import { createReread } from "../settings/reread.ts";
import type { ReadZone } from "./zone-reading.ts";

const intervals = {
  /** What nobody has told of: a node that fell silent, a setting, a challenge that expired. */
  readMs: 2_000,
} as const;

export interface Names {
  readonly addresses: readonly HostPort[];
  stop(): Promise<void>;
}

/**
 * Answers for the domain out of memory. The zone is read every few seconds, and when some replica tells of something new; while
 * the database is away it stays as it was. Throws a ConfigError where an address cannot be listened on.
 */
export async function startNames({
  listen,
  readZone,
  cluster,
  log,
  meters,
}: {
  readonly listen: readonly HostPort[];
  readonly readZone: ReadZone;
  readonly cluster: Cluster;
  readonly log: Log;
  readonly meters?: ControlMeters | undefined;
}): Promise<Names> {
  await using opened = new AsyncDisposableStack();
  const kept = new KeptZone();
  const reread = createReread(async () => kept.take(await readZone()), log);
  await reread.now();
  const subscription = cluster.subscribe("names", { heard: reread.soon, missed: reread.soon });
  opened.defer(() => subscription.stop());
  const looking = periodically(reread.now, { everyMs: intervals.readMs, name: "names", log });
  opened.defer(async () => await looking.stop());

  const outcomes = new Map<string, number>();
  const server = opened.use(
    await start(listen, {
      zone: () => kept.zone,
      rateLimit: new RateLimit(),
      onOutcome(transport, outcome) {
        const told = `${transport} ${outcome}`;
        outcomes.set(told, (outcomes.get(told) ?? 0) + 1);
      },
    }),
  );
  meters?.onRead((set) => {
    for (const [told, count] of outcomes) {
      const [transport = "", result = ""] = told.split(" ");
      set("porthole_dns_questions_total", count, { transport, result });
    }
    set("porthole_dns_names", kept.names);
  });
  const owned = opened.move();
  return { addresses: server.addresses, stop: async () => await owned.disposeAsync() };
}

async function start(...[listen, answering]: Parameters<typeof startNameServer>): Promise<NameServer> {
  try {
    return await startNameServer(listen, answering);
  } catch (cause) {
    if (!(cause instanceof Error && "syscall" in cause)) throw cause;
    throw new ConfigError([`--dns-listen ${listen.map(formatHostPort).join(",")}: ${cause.message}`]);
  }
}

/** The zone as it was last read; made anew, and of another serial, only where something has changed. */
class KeptZone {
  #data: ZoneData | undefined;
  zone: Zone | undefined;

  get names(): number {
    return this.#data?.addresses.length ?? 0;
  }

  take(data: ZoneData | undefined): void {
    const before = this.#data;
    if (before === undefined && data === undefined) return;
    if (
      before !== undefined &&
      data !== undefined &&
      isDeepStrictEqual({ ...data, serial: before.serial }, before)
    )
      return;
    // Serials rise, however fast things change.
    const serial = Math.max(data?.serial ?? 0, (before?.serial ?? 0) + 1);
    this.#data = data && { ...data, serial };
    this.zone = this.#data && new Zone(this.#data);
  }
}
