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
  /** Resolves when it answers out of these, and refuses every other question. */
  serve(zones: readonly ZoneData[]): Promise<void>;
}

/** Rejects with the error of the system where an address cannot be listened on. */
export async function startNameServerThread(listen: readonly HostPort[]): Promise<NameServerThread> {
  const tally = new Tally();
  const workerData: ThreadOptions = { listen, tally: tally.memory };
  const worker = new Worker(new URL("./thread-worker.ts", import.meta.url), { workerData });
  const exited = once(worker, "exit");
  const hear = async (): Promise<FromThread> => {
    const [message] = (await once(worker, "message")) as [FromThread];
    return message;
  };
  const began = await hear();
  if (began.kind === "failed") {
    await exited;
    throw Object.assign(new Error(began.message), { code: began.code, syscall: began.syscall });
  }
  if (began.kind !== "listening") throw new Error("a name server begins by saying where it listens");
  const tell = (message: ToThread) => worker.postMessage(message);
  let serving = Promise.resolve();
  return {
    addresses: began.addresses,
    tally,
    async serve(zones) {
      serving = serving.then(async () => {
        const heard = hear();
        tell({ kind: "zones", zones });
        await heard;
      });
      await serving;
    },
    async [Symbol.asyncDispose]() {
      tell({ kind: "stop" });
      await exited;
    },
  };
}
