import { setTimeout as delay } from "node:timers/promises";
import type { HostPort } from "#base/config.ts";
import type { Log } from "#base/process/log.ts";
import { type NameServerThread, startNameServerThread } from "#dns/thread.ts";
import type { ZoneData } from "#dns/zone-data.ts";

export type LastingServer = Omit<NameServerThread, "failed">;

/**
 * A name server whose thread is started anew should it fail, at the same addresses and with the zones as they are then:
 * whatever a stranger's question may bring about, it ends no more than that. Rejects with the error of the system where an
 * address cannot be listened on in the beginning.
 */
export async function startLastingServer({
  listen,
  zones,
  log,
  restartMs,
}: {
  readonly listen: readonly HostPort[];
  readonly zones: () => readonly ZoneData[];
  readonly log: Log;
  /** What fails at once, and again and again, is not to take a core. */
  readonly restartMs: number;
}): Promise<LastingServer> {
  let thread = await startNameServerThread(listen);
  const { addresses, tally } = thread;
  const stopping = new AbortController();
  let restarting: Promise<void> | undefined;

  const watch = () =>
    void thread.failed.then((error) => {
      log.error({ error }, "The name server has failed and is started anew");
      restarting = restart();
    });

  const restart = async () => {
    while (!stopping.signal.aborted) {
      try {
        await delay(restartMs, undefined, { signal: stopping.signal });
        thread = await startNameServerThread(addresses, tally);
        restarting = undefined;
        watch();
        await thread.serve(zones());
        return;
      } catch (error) {
        if (stopping.signal.aborted) return;
        // It runs; that it has failed again is logged, and so were zones that it does not take.
        if (restarting === undefined) return;
        log.error({ error }, "The name server cannot be started anew");
      }
    }
  };

  watch();
  return {
    addresses,
    tally,
    async serve(read) {
      // One that is about to start takes the zones as they are then.
      if (restarting === undefined) await thread.serve(read);
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await restarting;
      await thread[Symbol.asyncDispose]();
    },
  };
}
