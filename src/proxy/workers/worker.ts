import { type Static, Type } from "typebox";
import { type Child, type ChildEnd, startChild } from "#base/process/child.ts";
import type { Log } from "#base/process/log.ts";
import { RESTART_STATUS } from "#base/process/restart.ts";
import { Backoff } from "../link/backoff.ts";
import type { Channel, SharedSignIns } from "../sign-ins/workers-sign-ins.ts";

const limits = {
  /** A worker that ran for as long is started again at once when it ends; one that did not is given more and more time. */
  steadyMs: 60_000,
} as const;

const WorkerReady = Type.Object({
  ready: Type.Literal(true),
  id: Type.String(),
  node: Type.String(),
  websocket: Type.String(),
  admin: Type.Optional(Type.String()),
});
export type WorkerReady = Static<typeof WorkerReady>;

export interface WorkerOptions {
  /** Which of them it is, from 1. */
  readonly number: number;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly stop: AbortSignal;
  readonly stopNow: AbortSignal;
  /** How long it may wait for its sessions when it is to stop. */
  readonly drainTimeoutMs: number;
  /** Of all of them together. */
  readonly signIns: SharedSignIns;
}

/** One node in a process of its own, which is started again whenever it ends. */
export class Worker {
  readonly #options: WorkerOptions;
  readonly #backoff = new Backoff();
  /** The present one, or the last. */
  #child: Promise<Child<WorkerReady>> | undefined;

  constructor(options: WorkerOptions) {
    this.#options = options;
  }

  /** Waits as long as control takes. Throws a StartFailure where it ends before it is ready. */
  async start(): Promise<WorkerReady> {
    const { number, args, env, log, stop, signIns } = this.#options;
    const started = (pid: number) => log.debug({ worker: number, workerPid: pid }, "Worker starts");
    const connected = (worker: Channel) => signIns.serve(worker);
    const options = { ready: WorkerReady, stop, started, connected, env, readyMs: null };
    this.#child = startChild("proxy", args, options);
    return (await this.#child).ready;
  }

  /** Once it has started: keeps it so until all is to stop, or control has destroyed this node. */
  async keep(): Promise<void> {
    const { number, log, stop } = this.#options;
    for (let since = performance.now(); ; since = performance.now()) {
      const end = await this.#ended();
      if (stop.aborted) return;
      if (end?.status === 0) {
        log.info({ worker: number }, "A worker's node was destroyed, it is not started again");
        return;
      }
      if (end?.status === RESTART_STATUS) {
        log.info({ worker: number }, "A worker is started again, as control wants it");
        await this.#startAgain();
        continue;
      }
      log.error(
        { worker: number, status: end?.status, signal: end?.signal },
        "A worker ended, starting it again",
      );
      if (performance.now() - since >= limits.steadyMs) this.#backoff.reset();
      else await this.#backoff.wait(stop).catch(() => {});
      if (stop.aborted) return;
      await this.#startAgain();
    }
  }

  /** Resolves when it has ended. */
  async stop(): Promise<void> {
    const child = await this.#child?.catch(() => undefined);
    const { drainTimeoutMs: patienceMs, stopNow } = this.#options;
    await child?.stop({ patienceMs, now: stopNow });
  }

  /** `undefined` for one that did not start. */
  async #ended(): Promise<ChildEnd | undefined> {
    const child = await this.#child?.catch(() => undefined);
    return await child?.ended;
  }

  async #startAgain(): Promise<void> {
    const { number, log, stop } = this.#options;
    try {
      const { id } = await this.start();
      log.info({ worker: number, nodeId: id }, "Worker is ready again");
    } catch (error) {
      if (!stop.aborted) log.error({ worker: number, error }, "A worker could not be started");
    }
  }
}
