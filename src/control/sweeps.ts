import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import { aborted } from "#base/process/role.ts";
import { sweepSignIns } from "./accounts/sign-in.ts";
import type { Audit } from "./audit/audit.ts";
import { createAuditSweep } from "./audit/sweep.ts";
import { createEndingWatch } from "./certificates/ending-watch.ts";
import type { ReadCertificatesInUse } from "./certificates/in-use.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { createDrainSweep } from "./fleet/drain-sweep.ts";
import { sweepJoinTokens } from "./fleet/join-tokens.ts";
import { sweepNodeJobs } from "./fleet/node-jobs.ts";
import { silenceMs } from "./fleet/up.ts";
import type { Leases } from "./hypervisors/leases.ts";
import { sweepKeystoneRights } from "./keystone/held.ts";
import { periodically } from "./periodic.ts";
import type { CloseSessions } from "./sessions/closing.ts";
import {
  createLostNodeSweep,
  createOfflineSweep,
  createOrphanSweep,
  createSilentNodeSweep,
  createThumbnailSweep,
  createTicketSweep,
  createUnreportedSweep,
  type SessionSweep,
} from "./sessions/session-sweeps.ts";
import type { SettingValues } from "./settings/settings.ts";
import type { Store } from "./store/store.ts";
import { createKeyRetirement } from "./tickets/key-generations.ts";
import { sweepNovaTokens } from "./tickets/nova-sessions.ts";

const intervals = {
  ticketsMs: 5000,
  /** Half of the shortest interval at which nodes report. */
  silenceMs: 500,
  drainingMs: 1_000,
  leasesMs: 2_000,
  nodesMs: 5_000,
  orphansMs: 60_000,
  thumbnailsMs: 10_000,
  credentialsMs: 60_000,
  keysMs: 10_000,
  auditMs: 60_000,
  certificatesMs: 60_000,
} as const;

/**
 * Tidies up what nobody came back for, on one replica at a time. Nothing depends on it: what is over is refused before
 * it is swept.
 */
export function startSweeps(parts: {
  readonly store: Store;
  readonly audit: Audit;
  readonly cluster: Cluster;
  readonly values: SettingValues;
  readonly closeSessions: CloseSessions;
  readonly leases: Pick<Leases, "settle">;
  readonly inUse: ReadCertificatesInUse;
  readonly clock: Clock;
  readonly log: Log;
}): { stop(): Promise<void> } {
  const { store, audit, cluster, log } = parts;
  const logged = (sweep: SessionSweep, message: string) => async () => {
    const sessions = await sweep();
    if (sessions > 0) log.warn({ sessions }, message);
  };
  const unreported = logged(createUnreportedSweep(parts), "Sessions ended whose nodes never opened them");
  const silent = logged(createSilentNodeSweep(parts), "Sessions detached: their nodes are not heard of");
  const lost = logged(createLostNodeSweep(parts), "Sessions ended whose nodes are not heard of any more");
  const orphans = logged(createOrphanSweep(parts), "Sessions ended whose nodes are forgotten");
  const retireKeys = createKeyRetirement(store, () => silenceMs(parts.values));
  const keys = async () => {
    const { forgotten } = await retireKeys();
    if (forgotten > 0) log.info({ generations: forgotten }, "Ticket keys retired");
  };
  const offline = createOfflineSweep(parts);
  const tickets = createTicketSweep(parts);
  const thumbnails = createThumbnailSweep(store);
  const old = createAuditSweep(parts);
  const draining = createDrainSweep(parts);
  const leases = async () => await parts.leases.settle();
  const jobs = async () => await sweepNodeJobs(store);
  const credentials = async () => {
    await sweepSignIns(store);
    await sweepKeystoneRights(store);
    await sweepJoinTokens(store);
    await sweepNovaTokens(store);
  };
  // What this replica did not write down, it alone knows.
  const omitted = async () => await audit.recordOmitted();
  const telling = periodically(omitted, { everyMs: intervals.auditMs, name: "omitted refusals", log });
  const ending = createEndingWatch(parts);
  const leading = cluster.lead("sweeps", async (signal) => {
    const sweeps = [
      periodically(keys, { everyMs: intervals.keysMs, name: "ticket keys", log }),
      periodically(offline, { everyMs: intervals.ticketsMs, name: "offline tickets", log }),
      periodically(tickets, { everyMs: intervals.ticketsMs, name: "tickets", log }),
      periodically(thumbnails, { everyMs: intervals.thumbnailsMs, name: "thumbnails", log }),
      periodically(unreported, { everyMs: intervals.nodesMs, name: "unreported sessions", log }),
      periodically(silent, { everyMs: intervals.silenceMs, name: "silent nodes", log }),
      periodically(old, { everyMs: intervals.auditMs, name: "audit log", log }),
      periodically(lost, { everyMs: intervals.nodesMs, name: "lost nodes", log }),
      periodically(orphans, { everyMs: intervals.orphansMs, name: "orphaned sessions", log }),
      periodically(leases, { everyMs: intervals.leasesMs, name: "leases", log }),
      periodically(draining, { everyMs: intervals.drainingMs, name: "draining nodes", log }),
      periodically(jobs, { everyMs: intervals.credentialsMs, name: "jobs", log }),
      periodically(ending, { everyMs: intervals.certificatesMs, name: "certificates", log }),
      periodically(credentials, { everyMs: intervals.credentialsMs, name: "credentials", log }),
    ];
    await aborted(signal);
    await Promise.all(sweeps.map(async (sweep) => await sweep.stop()));
  });
  return {
    async stop() {
      await Promise.all([telling.stop(), leading.stop()]);
    },
  };
}
