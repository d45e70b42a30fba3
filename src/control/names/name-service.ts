import { isDeepStrictEqual } from "node:util";
import { ConfigError, formatHostPort, type HostPort } from "#base/config.ts";
import type { Log } from "#base/process/log.ts";
import { type NameServerThread, startNameServerThread } from "#dns/thread.ts";
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
  readMs = intervals.readMs,
}: {
  readonly listen: readonly HostPort[];
  readonly readZone: ReadZone;
  readonly cluster: Cluster;
  readonly log: Log;
  readonly meters?: ControlMeters | undefined;
  readonly readMs?: number;
}): Promise<Names> {
  await using opened = new AsyncDisposableStack();
  const server = opened.use(await start(listen));
  const kept = new KeptZone();
  const reread = createReread(async () => {
    const data = kept.take(await readZone());
    if (data !== "as before") await server.serve(data);
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

async function start(listen: readonly HostPort[]): Promise<NameServerThread> {
  try {
    return await startNameServerThread(listen);
  } catch (cause) {
    if (!(cause instanceof Error && "syscall" in cause)) throw cause;
    throw new ConfigError([`--dns-listen ${listen.map(formatHostPort).join(",")}: ${cause.message}`]);
  }
}

/** The zone as it was last read, of another serial only where something has changed. */
class KeptZone {
  #data: ZoneData | undefined;

  get names(): number {
    return this.#data?.addresses.length ?? 0;
  }

  /** What is to be served from now on. */
  take(data: ZoneData | undefined): ZoneData | undefined | "as before" {
    const before = this.#data;
    if (before === undefined && data === undefined) return "as before";
    if (
      before !== undefined &&
      data !== undefined &&
      isDeepStrictEqual({ ...data, serial: before.serial }, before)
    )
      return "as before";
    // Serials rise, however fast things change.
    const serial = Math.max(data?.serial ?? 0, (before?.serial ?? 0) + 1);
    this.#data = data && { ...data, serial };
    return this.#data;
  }
}
