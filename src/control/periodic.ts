import type { Log } from "#base/process/log.ts";

/**
 * Does something again and again until it is stopped: never twice at once, and a failure is logged and tried again
 * at the next turn. The first time is anywhere in the first interval, so that what is begun together is not done
 * together for ever, with everybody waiting meanwhile. `stop` resolves when what runs has run.
 */
export function periodically(
  task: () => Promise<unknown>,
  { everyMs, name, log }: { readonly everyMs: number; readonly name: string; readonly log: Log },
): { stop(): Promise<void> } {
  let running: Promise<void> | undefined;
  const run = async () => {
    try {
      await task();
    } catch (error) {
      log.error({ error, task: name }, "Periodic task failed");
    } finally {
      running = undefined;
    }
  };
  let timer = setTimeout(() => {
    running ??= run();
    timer = setInterval(() => {
      running ??= run();
    }, everyMs);
  }, Math.random() * everyMs);
  return {
    async stop() {
      clearTimeout(timer);
      await running;
    },
  };
}
