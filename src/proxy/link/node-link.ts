import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import { drawRandom } from "#base/process/random.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Grant } from "#wire/grant.ts";
import type {
  RedeemRequest,
  ReopenRequest,
  ReopenResponse,
  SessionReport,
  SessionToEnd,
} from "#wire/link.ts";
import { type NodeMeters, timed } from "../observe/observing.ts";
import { isGrant, isReopenResponse, isReportResponse } from "./answers.ts";
import { CertificateWatch } from "./certificate.ts";
import { ControlClock } from "./control-clock.ts";
import type { LinkClient } from "./link-client.ts";
import { type Registered, Registration } from "./registration.ts";
import { Reporter } from "./reporter.ts";
import type { Obeyed } from "./settings.ts";

const deadlines = { reportMs: 10_000 } as const;

export interface NodeLinkOptions {
  readonly client: LinkClient;
  /** The node's own, PEM. */
  readonly certificate: string;
  readonly log: Log;
  readonly version: string;
  readonly pageOrigin: string;
  readonly webSocketOrigin: string;
  readonly sharesAddress: boolean;
  /** Where other nodes hand on to this one; `local` is the address that control sees. */
  readonly forwardAddress: (local: string | undefined) => string | undefined;
  readonly maximumSessions: number;
  /** Sessions that the node carries now. */
  readonly sessions: () => number;
  /** How long a viewer waits for control's word. */
  readonly redeemMs: number;
  readonly meters?: NodeMeters | undefined;
  /** Control wants a session over that it was told is open. */
  readonly end: (session: SessionToEnd) => void;
  /** Control answers again, after it did not: it is to be told what is open. */
  readonly onBack: () => void;
}

/** All that this start of the node has to do with control. */
export class NodeLink {
  readonly #client: LinkClient;
  readonly #certificate: CertificateWatch;
  readonly #registration: Registration;
  readonly #reporter: Reporter;
  readonly #clock = new ControlClock();
  readonly #lifetime = new AbortController();
  readonly #redeemMs: number;
  readonly #meters: NodeMeters | undefined;

  constructor({ client, certificate: pem, log, redeemMs, end, meters, ...options }: NodeLinkOptions) {
    const certificate = new CertificateWatch(pem, log);
    this.#client = client;
    this.#certificate = certificate;
    this.#redeemMs = redeemMs;
    this.#meters = meters;
    this.#registration = new Registration({ ...options, link: client, certificate, clock: this.#clock, log });
    this.#reporter = new Reporter({
      incarnation: this.incarnation,
      log,
      end,
      send: async (request, signal) =>
        await client.call("report", request, isReportResponse, {
          deadlineMs: deadlines.reportMs,
          signal,
          repeatable: true,
        }),
    });
  }

  get incarnation(): string {
    return this.#registration.incarnation;
  }

  /** Control's clock. */
  get clock(): Clock {
    return this.#clock;
  }

  /** What control has said of this node; undefined before it has said anything. */
  get registered(): Registered | undefined {
    return this.#registration.current;
  }

  /** For whoever watches the node. */
  get health() {
    const { isReachable, silenceMs } = this.#registration;
    const { queued: queuedReports, dropped: droppedReports } = this.#reporter;
    const intervalMs = this.settings?.heartbeatIntervalMs ?? 0;
    return { isReachable, silenceMs, intervalMs, queuedReports, droppedReports };
  }

  get settings(): Obeyed | undefined {
    return this.registered?.settings;
  }

  /** Registers, however long control takes to be there, then keeps it so in the background: see `kept`. */
  async start(signal: AbortSignal): Promise<{ readonly nodeId: string; readonly kept: Promise<void> }> {
    const { nodeId } = await this.#registration.register(signal);
    const kept = this.#keep();
    kept.catch(() => {}); // Whoever started the node hears of it when it gets round to asking.
    return { nodeId, kept };
  }

  /** Asks control for its settings now, and not only with the next heartbeat. Throws a GatewayError. */
  async refresh(): Promise<void> {
    await this.#registration.refresh(this.#lifetime.signal);
  }

  /** Throws a GatewayError; `control_unreachable` also where the node has no certificate to ask with any more. */
  async redeem(request: Omit<RedeemRequest, "incarnation" | "nonce">): Promise<Grant> {
    if (this.#certificate.hasEnded(this.#clock.now()))
      throw new GatewayError("control_unreachable", { detail: "the console node has to join again" });
    const body = { ...request, incarnation: this.incarnation, nonce: newNonce() };
    const options = { ...this.#callOptions, repeatable: true };
    const ask = async () => await this.#client.call("redeem", body, isGrant, options);
    return await timed(this.#meters, "porthole_node_redemption_seconds", ask);
  }

  async reopen(request: Omit<ReopenRequest, "incarnation">): Promise<ReopenResponse> {
    const body = { ...request, incarnation: this.incarnation };
    return await this.#client.call("reopen", body, isReopenResponse, this.#callOptions);
  }

  isReporting(session: Pick<SessionReport, "sessionId" | "attachment">): boolean {
    return this.#reporter.isReporting(session);
  }

  report(report: SessionReport): void {
    this.#reporter.report(report);
  }

  /** Ends heartbeats, and whatever waits for an answer. */
  stopAsking(): void {
    this.#lifetime.abort(new GatewayError("node_stopping"));
  }

  /** After `stopAsking`: sends the last reports and says goodbye, as far as control listens. */
  async finish(lastReportsMs: number): Promise<void> {
    await this.#reporter.finish(lastReportsMs);
    await this.#registration.deregister();
  }

  get #callOptions() {
    return { deadlineMs: this.#redeemMs, signal: this.#lifetime.signal };
  }

  /** Resolves when the node stops asking. Rejects with the GatewayError with which control ends this start. */
  async #keep(): Promise<void> {
    const { signal } = this.#lifetime;
    try {
      await Promise.all([this.#registration.keep(signal), this.#reporter.run(signal)]);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

/** By which control knows a question that it is asked again. */
function newNonce(): string {
  return drawRandom(12).toString("base64url");
}
