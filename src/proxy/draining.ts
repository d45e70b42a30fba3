import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import { aborted } from "#base/process/role.ts";
import { isErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { DrainCommand, LeaveCommand } from "#wire/link-draining.ts";
import type { Notice } from "#wire/viewer.ts";
import type { Sessions } from "./console/sessions.ts";
import type { Forwarder } from "./forward/forwarder.ts";

const limits = {
  /** For control to be told that a node stops which nobody waits for. */
  tellMs: 1_000,
} as const;

interface Parts {
  /** Viewers that are becoming sessions. */
  readonly admitting: () => Occupied;
  readonly sessions: () => Pick<Sessions, "size" | "notify" | "untilEmpty">;
  /** Consoles of other nodes to which this one is the entrance. */
  readonly passing: Occupied;
  /** Whether viewers come to a port that other nodes listen on as well, for as long as this one does. */
  readonly sharesPort: boolean;
  /** Control's. */
  readonly clock: () => Clock;
  /** Tells control that this start leaves, so that nothing new is given to it. Throws where control does not listen. */
  readonly tellControl: (deadline: number) => Promise<void>;
  readonly log: Log;
}

type Occupied = Pick<Forwarder, "size" | "untilEmpty">;

/** Whether this node is on its way out: by control's word, or because it was told to stop where it runs. */
export class Draining {
  readonly #parts: Parts;
  readonly #left = Promise.withResolvers<LeaveCommand["how"]>();
  #wanted: DrainCommand["draining"];
  /** By control's clock: when this process ends. */
  #stopsAt: number | undefined;
  #refuses = false;
  /** Control wants this start to end, and nothing keeps it but what passes through. */
  #onlyPassing = false;
  #warned = false;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Resolves when control wants the process to end. */
  get left(): Promise<LeaveCommand["how"]> {
    return this.#left.promise;
  }

  get isDraining(): boolean {
    return this.#wanted !== undefined || this.#stopsAt !== undefined;
  }

  /**
   * Why somebody is turned away who comes with a good ticket: control knows that this start leaves, and gives the console to
   * another node. While control drains it, the node takes whoever still comes: control has counted that ticket.
   */
  get refusal(): GatewayError | undefined {
    return this.#refuses ? new GatewayError("node_draining") : undefined;
  }

  /**
   * Why nothing more is handed on to other nodes: else those who come would keep the process for ever. Not where several
   * processes share a port, as the system would go on giving them viewers.
   */
  get passingRefusal(): GatewayError | undefined {
    const { admitting, sessions, sharesPort } = this.#parts;
    const isLeaving = this.#onlyPassing || (this.#refuses && admitting().size + sessions().size === 0);
    return isLeaving && !sharesPort ? new GatewayError("node_draining") : undefined;
  }

  /** What viewers are to know, if anything. */
  get notice(): Notice | undefined {
    if (this.#stopsAt !== undefined) return this.#noticeOf("node_stopping", this.#stopsAt);
    const { code, deadline, warn } = this.#wanted ?? { code: "", warn: false };
    return warn && isErrorCode(code) ? this.#noticeOf(code, deadline) : undefined;
  }

  /** Control's command. */
  obey({ draining }: Pick<DrainCommand, "draining">): void {
    const { log } = this.#parts;
    this.#wanted = draining;
    // Where it is to leave all the same, it is told so again.
    this.#onlyPassing = false;
    log.info({ ...draining }, draining === undefined ? "The node takes sessions" : "The node drains");
    this.#tellViewers();
  }

  /** Control's command. Says whether the process ends, which it does not while somebody is in it. */
  leave({ how, cutsPassing = false }: Pick<LeaveCommand, "how" | "cutsPassing">): boolean {
    const { admitting, sessions, passing } = this.#parts;
    if (admitting().size + sessions().size > 0) return false;
    this.#onlyPassing = true;
    if (passing.size > 0 && !cutsPassing) return false;
    this.#parts.log.info({ how }, "The node leaves, as control wants it");
    this.#left.resolve(how);
    return true;
  }

  /**
   * The process is to stop: waits for the sessions that are open or about to be, and for nobody longer than so many
   * milliseconds. Those who come meanwhile are sent elsewhere, as soon as control knows. Aborting the signal ends the wait.
   */
  async waitForSessions(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const { sessions, passing, clock, log } = this.#parts;
    if (timeoutMs === 0 || signal.aborted) return;
    const until = AbortSignal.any([AbortSignal.timeout(timeoutMs), signal]);
    this.#stopsAt = clock().now() + timeoutMs;
    const count = { sessions: sessions().size, passing: passing.size, timeoutMs };
    if (!this.#isEmpty) log.info(count, "The node waits for its sessions before it stops");
    this.#tellViewers();
    const patience = this.#isEmpty ? AbortSignal.any([until, AbortSignal.timeout(limits.tellMs)]) : until;
    await Promise.race([this.#tellControl(this.#stopsAt), aborted(patience)]);
    this.#refuses = true;
    await this.#untilEmpty(until);
    const left = sessions().size;
    if (left > 0) log.info({ sessions: left }, "The wait is over, the sessions that are left are ended");
  }

  async #tellControl(deadline: number): Promise<void> {
    const { tellControl, log } = this.#parts;
    try {
      await tellControl(deadline);
    } catch (error) {
      log.warn({ error }, "Control could not be told that this node is to stop");
    }
  }

  get #occupied(): readonly Occupied[] {
    const { admitting, sessions, passing } = this.#parts;
    return [admitting(), sessions(), passing];
  }

  get #isEmpty(): boolean {
    return this.#occupied.every(({ size }) => size === 0);
  }

  /** Who is admitted while others are waited for becomes a session, if only to be sent elsewhere. */
  async #untilEmpty(until: AbortSignal): Promise<void> {
    while (!this.#isEmpty && !until.aborted)
      await Promise.all(this.#occupied.map(async (each) => await each.untilEmpty(until)));
  }

  /** Those who were told something are also told that it is no more so. */
  #tellViewers(): void {
    const { notice } = this;
    if (notice !== undefined || this.#warned) this.#parts.sessions().notify(notice ?? { type: "notice" });
    this.#warned = notice !== undefined;
  }

  /** A viewer's clock is its own, so it is told how long, and not when. */
  #noticeOf(code: NonNullable<Notice["code"]>, deadline: number | undefined): Notice {
    if (deadline === undefined) return { type: "notice", code };
    return { type: "notice", code, inMs: Math.max(0, Math.round(deadline - this.#parts.clock().now())) };
  }
}
