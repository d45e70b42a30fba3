import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { HostPort } from "#base/config.ts";
import { Tally } from "./tally.ts";
import type { FromThread, ThreadOptions, ToThread } from "./thread-worker.ts";
import type { ZoneData } from "./zone-data.ts";

/** A name server in a thread of its own: a flood of questions from all the world keeps nothing else of the process waiting. */
export interface NameServerThread extends AsyncDisposable {
  /** With the ports that the system gave, where 0 was asked for. */
  readonly addresses: readonly HostPort[];
  readonly tally: Tally;
  /** Resolves with the reason should the thread come to an end that nobody asked for. */
  readonly failed: Promise<Error>;
  /**
   * Resolves when it answers out of these, and refuses every other question. Rejects where nothing can be answered out of
   * them, and then it goes on with those that it had; or where the thread is at its end.
   */
  serve(zones: readonly ZoneData[]): Promise<void>;
}

/** Rejects with the error of the system where an address cannot be listened on. Counts go on in the tally that is given. */
export async function startNameServerThread(
  listen: readonly HostPort[],
  tally = new Tally(),
): Promise<NameServerThread> {
  const workerData: ThreadOptions = { listen, tally: tally.memory };
  const worker = new Worker(new URL("./thread-worker.ts", import.meta.url), { workerData });
  const failed = Promise.withResolvers<Error>();
  const exited = Promise.withResolvers<void>();
  const gone = new AbortController();
  let reason: Error | undefined;
  let isStopping = false;
  worker.on("error", (error: Error) => {
    reason = error;
  });
  worker.once("exit", (code) => {
    reason ??= new Error(`the name server's thread has ended by itself, with ${code}`);
    gone.abort(reason);
    exited.resolve();
    if (!isStopping) failed.resolve(reason);
  });
  const hear = async (): Promise<FromThread> => {
    const [message] = (await once(worker, "message", { signal: gone.signal })) as [FromThread];
    return message;
  };
  const began = await hear();
  if (began.kind === "failed") {
    await exited.promise;
    throw Object.assign(new Error(began.message), { code: began.code, syscall: began.syscall });
  }
  if (began.kind !== "listening") throw new Error("a name server begins by saying where it listens");
  const tell = (message: ToThread) => worker.postMessage(message);
  let serving = Promise.resolve();
  return {
    addresses: began.addresses,
    tally,
    failed: failed.promise,
    async serve(zones) {
      const served = serving.then(async () => {
        const heard = hear();
        tell({ kind: "zones", zones });
        const answer = await heard;
        if (answer.kind === "refused") throw new Error(answer.message);
      });
      serving = served.catch(() => {});
      await served;
    },
    async [Symbol.asyncDispose]() {
      isStopping = true;
      tell({ kind: "stop" });
      await exited.promise;
    },
  };
}
