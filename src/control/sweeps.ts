import type { Log } from "#base/process/log.ts";
import { sweepSignIns } from "./accounts/sign-in.ts";
import { sweepJoinTokens } from "./fleet/join-tokens.ts";
import { periodically } from "./periodic.ts";
import { createTicketSweep } from "./sessions/endings.ts";
import type { Store } from "./store/store.ts";

const intervals = {
  ticketsMs: 5000,
  credentialsMs: 60_000,
} as const;

/** Tidies up what nobody came back for. Nothing depends on it: what is over is refused before it is swept. */
export function startSweeps(store: Store, log: Log): { stop(): Promise<void> } {
  const sweeps = [
    periodically(createTicketSweep(store), { everyMs: intervals.ticketsMs, name: "tickets", log }),
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
