import { setTimeout as delay } from "node:timers/promises";
import { HypervisorError } from "../hypervisor-error.ts";
import type { Answer } from "./answers.ts";
import { type KubernetesClient, Refused } from "./client.ts";
import { type Kind, listObjects, pathOf } from "./machines.ts";
import { readAnswer } from "./read-answer.ts";
import type { SeenMachines } from "./seen.ts";

const limits = {
  /** The API ends a watch then, and another goes on where it was. */
  watchSeconds: 240,
  /** Beyond that, for one that a network has swallowed. */
  graceSeconds: 30,
  /** An object has 1.5 MiB at most in Kubernetes' own store, and more in JSON. */
  lineBytes: 8 * 1024 * 1024,
  /** Before the next, whatever ended the last: one that ends at once is not asked for without a pause. */
  pauseMs: 1_000,
} as const;

const GONE = 410;

/** Keeps what is seen of one kind of object as the API tells it. */
export class Watch {
  readonly #client: KubernetesClient;
  readonly #watched: Watched;
  #version = "";

  private constructor(client: KubernetesClient, watched: Watched) {
    this.#client = client;
    this.#watched = watched;
  }

  static async begin(client: KubernetesClient, watched: Watched, signal: AbortSignal): Promise<Watch> {
    const watch = new Watch(client, watched);
    await watch.#list(signal);
    return watch;
  }

  /** Until the signal is aborted; throws why nothing is told any more. */
  async run(signal: AbortSignal): Promise<never> {
    for (;;) {
      try {
        await this.#follow(signal);
      } catch (error) {
        const isTooOld = error instanceof Refused && error.status === GONE;
        if (!isTooOld) throw error;
        // What happened since is not kept there any more: so what is there is held against what was.
        await this.#list(signal);
      }
      await delay(limits.pauseMs, undefined, { signal, ref: false });
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { kind, namespace } = this.#watched;
    const { watchSeconds, graceSeconds } = limits;
    const query = new URLSearchParams({
      watch: "true",
      allowWatchBookmarks: "true",
      resourceVersion: this.#version,
      timeoutSeconds: String(watchSeconds),
    });
    const path = `${pathOf(kind, namespace)}?${query}`;
    const until = AbortSignal.any([signal, AbortSignal.timeout((watchSeconds + graceSeconds) * 1_000)]);
    for await (const line of linesOf(await this.#client.open({ path, signal: until }))) {
      const read = readAnswer("event", line);
      if ("problem" in read) throw new HypervisorError("answer", read.problem);
      this.#take(read.answer);
    }
  }

  #take(event: Answer<"event">): void {
    if (event.type === "ERROR") {
      const { code = 0, message = "" } = event.object;
      throw new Refused(code, message.slice(0, 500));
    }
    this.#version = event.object.metadata.resourceVersion;
    if (event.type === "BOOKMARK") return;
    const { kind, seen } = this.#watched;
    if (event.type === "DELETED") seen.remove(kind, event.object);
    else seen.put(kind, event.object);
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { kind, namespace, seen } = this.#watched;
    const { version, items } = await listObjects(this.#client, kind, { namespace, signal });
    this.#version = version;
    seen.replace(kind, items);
  }
}

interface Watched {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly seen: SeenMachines;
}

/** Each without its end; what comes after the last end is a piece that was broken off. */
async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let held: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      yield Buffer.concat([...held, chunk.subarray(start, end)]);
      [held, length, start] = [[], 0, end + 1];
    }
    held.push(chunk.subarray(start));
    length += chunk.length - start;
    if (length > limits.lineBytes)
      throw new HypervisorError("answer", `it tells of one change with more than ${limits.lineBytes} bytes`);
  }
}
