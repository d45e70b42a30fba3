import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import { sweepSignIns } from "./accounts/sign-in.ts";
import type { Audit } from "./audit/audit.ts";
import { createAuditSweep } from "./audit/sweep.ts";
import { sweepJoinTokens } from "./fleet/join-tokens.ts";
import { periodically } from "./periodic.ts";
import {
  createLostNodeSweep,
  createThumbnailSweep,
  createTicketSweep,
  createUnreportedSweep,
  type SessionSweep,
} from "./sessions/session-sweeps.ts";
import type { SettingValues } from "./settings/settings.ts";
import type { Store } from "./store/store.ts";

const intervals = {
  ticketsMs: 5000,
  nodesMs: 15_000,
  thumbnailsMs: 10_000,
  credentialsMs: 60_000,
  auditMs: 60_000,
} as const;

/** Tidies up what nobody came back for. Nothing depends on it: what is over is refused before it is swept. */
export function startSweeps(parts: {
  readonly store: Store;
  readonly audit: Audit;
  readonly values: SettingValues;
  readonly clock: Clock;
  readonly log: Log;
}): { stop(): Promise<void> } {
  const { store, audit, log } = parts;
  const logged = (sweep: SessionSweep, message: string) => async () => {
    const sessions = await sweep();
    if (sessions > 0) log.warn({ sessions }, message);
  };
  const unreported = logged(createUnreportedSweep(parts), "Sessions ended whose nodes never opened them");
  const lost = logged(createLostNodeSweep(parts), "Sessions ended whose nodes are not heard of any more");
  const sweeps = [
    periodically(createTicketSweep(parts), { everyMs: intervals.ticketsMs, name: "tickets", log }),
    periodically(createThumbnailSweep(store), { everyMs: intervals.thumbnailsMs, name: "thumbnails", log }),
    periodically(createAuditSweep(parts), { everyMs: intervals.auditMs, name: "audit log", log }),
    periodically(async () => await audit.recordOmitted(), {
      everyMs: intervals.auditMs,
      name: "refusals",
      log,
    }),
    periodically(unreported, { everyMs: intervals.nodesMs, name: "unreported sessions", log }),
    periodically(lost, { everyMs: intervals.nodesMs, name: "lost nodes", log }),
    periodically(
      async () => {
        await sweepSignIns(store);
        await sweepJoinTokens(store);
      },
      { everyMs: intervals.credentialsMs, name: "credentials", log },
    ),
  ];
  return {
    async stop() {
      await Promise.all(sweeps.map(async (sweep) => await sweep.stop()));
    },
  };
}
