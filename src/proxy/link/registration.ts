import { randomBytes } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { Log } from "#base/process/log.ts";
import { ERRORS, type ErrorCode } from "#wire/errors.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import type { NodeTicketKey, RegisterRequest, WantedAddress } from "#wire/link.ts";
import { isEmpty, isHeartbeatResponse, isRegisterResponse } from "./answers.ts";
import { Backoff } from "./backoff.ts";
import type { CertificateWatch } from "./certificate.ts";
import type { ControlClock } from "./control-clock.ts";
import { HeldKeys } from "./held-keys.ts";
import type { LinkClient } from "./link-client.ts";
import { type Obeyed, obey } from "./settings.ts";

const deadlines = { registerMs: 10_000, heartbeatMs: 5_000, deregisterMs: 3_000 } as const;

/** Control knows of this start, or of this node, that it is over. */
const OVER: ReadonlySet<ErrorCode> = new Set(["node_superseded", "node_forgotten"]);

/** Heartbeats come this much earlier than they are due, at most, so that a fleet's do not come all at once. */
const JITTER = 0.1;

export interface RegistrationOptions {
  readonly link: LinkClient;
  /** Of the certificate that the link shows to control. */
  readonly certificate: CertificateWatch;
  readonly clock: ControlClock;
  readonly log: Log;
  readonly version: string;
  readonly pageOrigin: string;
  readonly webSocketOrigin: string;
  /** The same while it serves TLS. */
  readonly secure: NonNullable<RegisterRequest["secure"]>;
  /** It has no public address, and control is to give it one; the two origins mean nothing then. */
  readonly wantedAddress: WantedAddress | undefined;
  /** What a front proxy has put before the node's paths. */
  readonly publicPath: string | null;
  readonly sharesAddress: boolean;
  /** Where other nodes hand on to this one; `local` is the address that control sees. */
  readonly forwardAddress: (local: string | undefined) => string | undefined;
  /** Sessions that the node carries at most. */
  readonly maximumSessions: number;
  /** Sessions that the node carries now. */
  readonly sessions: () => number;
  /** Control answers again, after it did not. */
  readonly onBack: () => void;
}

/** What a node is told when it registers, and may use from then on, whether control is there or not. */
export interface Registered {
  readonly nodeId: string;
  readonly ticketKeys: HeldKeys;
  readonly settings: Obeyed;
}

/**
 * This start of the node, as control knows it: registers, beats, and registers again when control has forgotten.
 * The incarnation is made new with every start of the process, since what the process remembers of used tickets
 * ends with it.
 */
export class Registration {
  readonly incarnation = randomBytes(18).toString("base64url");
  readonly #options: RegistrationOptions;
  #registered: Registered | undefined;
  /** When this start ends by itself, milliseconds since 1970 by control's clock. */
  #leavingAt: number | undefined;
  #reachable = true;
  /** On performance.now()'s clock; undefined before control was heard. */
  #heardAt: number | undefined;

  constructor(options: RegistrationOptions) {
    this.#options = options;
  }

  /** `undefined` until control has answered for the first time. */
  get current(): Registered | undefined {
    return this.#registered;
  }

  /** Whether control answered when it was last asked. */
  get isReachable(): boolean {
    return this.#registered !== undefined && this.#reachable;
  }

  /** How long ago control was last heard. */
  get silenceMs(): number | undefined {
    return this.#heardAt === undefined ? undefined : performance.now() - this.#heardAt;
  }

  /** Tries until control answers. Throws the GatewayError with which control refuses. */
  async register(signal: AbortSignal): Promise<Registered> {
    const backoff = new Backoff();
    for (;;) {
      try {
        return await this.#registerOnce(signal);
      } catch (thrown) {
        signal.throwIfAborted();
        const error = toGatewayError(thrown);
        if (!ERRORS[error.code].retryable) throw error;
        this.#complain(error);
        await backoff.wait(signal);
      }
    }
  }

  /**
   * Keeps the node registered until the signal aborts. Throws the GatewayError with which control ends it. A node that
   * control refuses only because its certificate has ended goes on: it has consoles open, which need no control.
   */
  async keep(signal: AbortSignal): Promise<void> {
    const { certificate, clock, log } = this.#options;
    for (;;) {
      await setTimeout(this.#untilNextBeat(), undefined, { signal });
      certificate.look(clock.now());
      try {
        if ((await this.#beat(signal)) === "known") continue;
        log.warn("Control does not know this start of the node, registering again");
        await this.register(signal);
      } catch (thrown) {
        signal.throwIfAborted();
        const error = toGatewayError(thrown);
        const isRefused = error.code === "node_refused" && !certificate.hasEnded(clock.now());
        if (OVER.has(error.code) || isRefused) throw error;
        this.#complain(error);
      }
    }
  }

  /** Control's keys for this start's tickets. Returns the newest generation that the node holds then. */
  takeKeys(keys: readonly NodeTicketKey[]): number {
    if (this.#registered === undefined) return 0;
    const ticketKeys = this.#registered.ticketKeys.with(keys);
    this.#registered = { ...this.#registered, ticketKeys };
    return ticketKeys.newest;
  }

  /** Tells control, now and with each beat, that this start leaves. Throws a GatewayError. */
  async leave(deadline: number, signal: AbortSignal): Promise<void> {
    this.#leavingAt = deadline;
    await this.#beat(signal);
  }

  /** Beats out of turn. Throws a GatewayError. A start that control does not know is the next beat's to mend. */
  async refresh(signal: AbortSignal): Promise<void> {
    await this.#beat(signal);
  }

  /** Tells control that this start is over. An unreachable control finds it out by itself. */
  async deregister(): Promise<void> {
    if (this.#registered === undefined) return;
    const { link, log } = this.#options;
    const body = { incarnation: this.incarnation };
    try {
      await link.call("deregister", body, isEmpty, {
        deadlineMs: deadlines.deregisterMs,
        repeatable: true,
      });
    } catch (error) {
      log.warn({ error }, "Control could not be told that this node stops");
    }
  }

  async #registerOnce(signal: AbortSignal): Promise<Registered> {
    const { link, clock, log } = this.#options;
    const { incarnation } = this;
    const options = { deadlineMs: deadlines.registerMs, signal, repeatable: true };
    await link.connect(options);
    const body = this.#introduction();
    const answer = await clock.measure(() => link.call("register", body, isRegisterResponse, options));
    const { ticketKey, ticketKeys = [{ generation: 1, ...ticketKey }] } = answer;
    this.#registered = {
      nodeId: answer.nodeId,
      ticketKeys: (this.#registered?.ticketKeys ?? HeldKeys.none).with(ticketKeys),
      settings: obey(answer.settings, log),
    };
    // Only now does control know that the node holds its keys, and seals tickets with them.
    if ((await this.#beat(signal)) === "forgotten") throw new GatewayError("control_unreachable");
    log.info({ incarnation }, "Registered");
    return this.#registered;
  }

  async #beat(signal: AbortSignal): Promise<"known" | "forgotten"> {
    const { link, clock, log, sessions } = this.#options;
    const ticketGeneration = this.#registered?.ticketKeys.newest ?? 0;
    const body = {
      incarnation: this.incarnation,
      sessions: sessions(),
      ticketGeneration,
      ...(this.#leavingAt === undefined ? {} : { leaving: { deadline: Math.round(this.#leavingAt) } }),
    };
    const options = { deadlineMs: deadlines.heartbeatMs, signal, repeatable: true };
    try {
      await link.connect(options);
      const answer = await clock.measure(() => link.call("heartbeat", body, isHeartbeatResponse, options));
      if (this.#registered !== undefined)
        this.#registered = { ...this.#registered, settings: obey(answer.settings, log) };
      if (answer.ticketKeys !== undefined) this.takeKeys(answer.ticketKeys);
      this.#rejoice();
      return "known";
    } catch (error) {
      // A newer start took over, or control's database was restored from before this one: registering tells which.
      if (toGatewayError(error).code !== "node_superseded") throw error;
      return "forgotten";
    }
  }

  #introduction(): RegisterRequest {
    const { link, version, pageOrigin, webSocketOrigin, sharesAddress, maximumSessions } = this.#options;
    const { wantedAddress, secure, publicPath } = this.#options;
    const forwardAddress = this.#options.forwardAddress(link.localAddress);
    return {
      incarnation: this.incarnation,
      version,
      ...(wantedAddress === undefined
        ? { pageOrigin, webSocketOrigin, secure }
        : { pageOrigin: "", webSocketOrigin: "", wantedAddress }),
      ...(publicPath === null ? {} : { publicPath }),
      sharesAddress,
      ...(forwardAddress === undefined ? {} : { forwardAddress }),
      maximumSessions,
      ticketGeneration: this.#registered?.ticketKeys.newest ?? 0,
    };
  }

  #untilNextBeat(): number {
    const interval = this.#registered?.settings.heartbeatIntervalMs ?? 0;
    return interval * (1 - Math.random() * JITTER);
  }

  /** Once for each time that control goes away. */
  #complain(error: GatewayError): void {
    if (this.#reachable)
      this.#options.log.warn({ error }, "Control does not answer as it should, trying again");
    this.#reachable = false;
  }

  #rejoice(): void {
    this.#heardAt = performance.now();
    if (this.#reachable) return;
    this.#reachable = true;
    this.#options.log.info("Control answers again");
    this.#options.onBack();
  }
}
