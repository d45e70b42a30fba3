import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import { drawRandom } from "#base/process/random.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import type { Grant } from "#wire/grant.ts";
import type {
  GrantsCommand,
  NodeTicketKey,
  RedeemRequest,
  ReopenRequest,
  ReopenResponse,
  SessionReport,
  SessionToEnd,
  WantedAddress,
} from "#wire/link.ts";
import type { RedeemNovaRequest } from "#wire/link-nova.ts";
import type { PowerRequest } from "#wire/link-power.ts";
import type { TicketRefusal } from "#wire/link-refusals.ts";
import type { CheckedRequest, SeenByNode } from "#wire/link-self-check.ts";
import type { OwnOrigins } from "../http/origin.ts";
import { type NodeMeters, timed } from "../observe/observing.ts";
import { isEmpty, isGrant, isReopenResponse, isReportResponse, isWhyResponse } from "./answers.ts";
import { AskingAnew } from "./asking-anew.ts";
import { CertificateWatch } from "./certificate.ts";
import { ControlClock } from "./control-clock.ts";
import type { Identity } from "./identity.ts";
import type { LinkClient } from "./link-client.ts";
import { OfflineGrants } from "./offline-grants.ts";
import { Refusals } from "./refusals.ts";
import { type Registered, Registration } from "./registration.ts";
import { Renewal } from "./renewal.ts";
import { Reporter } from "./reporter.ts";
import type { Obeyed } from "./settings.ts";
import { Whys } from "./whys.ts";

const deadlines = { reportMs: 10_000 } as const;

/** No control can say whether a ticket is good. */
const OFFLINE: ReadonlySet<ErrorCode> = new Set(["control_unreachable", "database_unavailable"]);

export interface NodeLinkOptions {
  readonly client: LinkClient;
  readonly identity: Identity;
  /** Writes a new one in place of that on disk. */
  readonly keepIdentity: (identity: Identity) => Promise<void>;
  /** The node shows a new certificate from now on. */
  readonly onRenewed: (identity: Identity) => void;
  readonly log: Log;
  readonly version: string;
  readonly pageOrigin: string;
  readonly webSocketOrigin: string;
  /** The same while it serves TLS. */
  readonly secure: OwnOrigins;
  /** It has no public address, and control is to give it one; the two origins mean nothing then. */
  readonly wantedAddress: WantedAddress | undefined;
  /** What a front proxy has put before the node's paths. */
  readonly publicPath: string | null;
  readonly sharesAddress: boolean;
  /** Where other nodes hand on to this one; `local` is the address that control sees. */
  readonly forwardAddress: (local: string | undefined) => string | undefined;
  readonly maximumSessions: number;
  /** Sessions that the node carries now. */
  readonly sessions: () => number;
  /** How long a viewer waits for control's word. */
  readonly redeemMs: number;
  /** How long it waits to hear why its console has closed. */
  readonly whyMs: number;
  /** And for that of a hypervisor. */
  readonly powerMs: number;
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
  readonly #refusals: Refusals;
  readonly #whys: Whys;
  readonly #renewal: Renewal;
  readonly #clock = new ControlClock();
  readonly #offline = new OfflineGrants(this.#clock);
  readonly #log: Log;
  readonly #lifetime = new AbortController();
  // Each with places of its own to wait in: who makes up the names of nodes keeps nobody from being told what may be dialled.
  readonly #peersAnew = this.#askingAnew();
  readonly #rulesAnew = this.#askingAnew();
  readonly #redeemMs: number;
  readonly #powerMs: number;
  readonly #meters: NodeMeters | undefined;

  constructor({
    client,
    identity,
    keepIdentity,
    log,
    redeemMs,
    whyMs,
    powerMs,
    end,
    meters,
    ...options
  }: NodeLinkOptions) {
    const certificate = new CertificateWatch(identity.certificate, log);
    this.#client = client;
    this.#log = log;
    this.#certificate = certificate;
    this.#redeemMs = redeemMs;
    this.#powerMs = powerMs;
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
    this.#refusals = new Refusals({
      log,
      send: async (request, signal) =>
        void (await client.call("refused", request, isEmpty, {
          deadlineMs: deadlines.reportMs,
          signal,
          repeatable: true,
        })),
    });
    this.#whys = new Whys(
      async (session) =>
        await client.call(
          "why",
          { ...session, incarnation: this.incarnation, withinMs: whyMs },
          isWhyResponse,
          { deadlineMs: whyMs, signal: this.#lifetime.signal, repeatable: true },
        ),
    );
    this.#renewal = new Renewal({
      identity,
      incarnation: this.incarnation,
      link: client,
      clock: this.#clock,
      log,
      keep: keepIdentity,
      onRenewed: (renewed) => {
        certificate.replace(renewed.certificate);
        options.onRenewed(renewed);
      },
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
    const { endsAt: identityEndsAt } = this.#renewal;
    return { isReachable, silenceMs, intervalMs, queuedReports, droppedReports, identityEndsAt };
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

  /** See `Registration.leave`. */
  async leave(deadline: number): Promise<void> {
    await this.#registration.leave(deadline, this.#lifetime.signal);
  }

  /** Resolves when the other nodes are as control knows them now, as far as it can be asked: see AskingAnew. Never rejects. */
  async refreshPeers(): Promise<void> {
    await this.#peersAnew.settled();
  }

  /** The same of what may be dialled, for who has not left. Where control is known not to answer, nobody is kept waiting for it. */
  async refreshRules(left: AbortSignal): Promise<void> {
    if (this.#registration.isReachable) await this.#rulesAnew.settled(left);
  }

  #askingAnew(): AskingAnew {
    const { signal } = this.#lifetime;
    return new AskingAnew({ ask: async () => await this.#registration.refresh(signal), signal });
  }

  /** Throws a GatewayError; `control_unreachable` also where the node has no certificate to ask with any more. */
  async redeem(request: Omit<RedeemRequest, "incarnation" | "nonce">): Promise<Grant> {
    const ahead = request.purpose === undefined ? this.#offline.take(request) : undefined;
    if (this.#certificate.hasEnded(this.#clock.now()))
      throw new GatewayError("control_unreachable", { detail: "the console node has to join again" });
    const nonce = newNonce();
    const at = this.#clock.now();
    const body = { ...request, incarnation: this.incarnation, nonce };
    const options = { ...this.#callOptions, repeatable: true };
    const ask = async () => await this.#client.call("redeem", body, isGrant, options);
    try {
      return await timed(this.#meters, "porthole_node_redemption_seconds", ask);
    } catch (error) {
      const { code } = toGatewayError(error);
      if (ahead === undefined || !OFFLINE.has(code) || this.settings?.acceptsOffline !== true) throw error;
      this.#offline.redeem(request, { at, viewerAddress: request.viewerAddress, nonce });
      this.#log.info({ sessionId: request.sessionId }, "Console opened while no control answers");
      return ahead;
    }
  }

  /** The console of a token of the Nova that control stands in front of. Throws a GatewayError. */
  async redeemNova(request: Omit<RedeemNovaRequest, "incarnation" | "nonce">): Promise<Grant> {
    const body = { ...request, incarnation: this.incarnation, nonce: newNonce() };
    const options = { ...this.#callOptions, repeatable: true };
    const ask = async () => await this.#client.call("redeem-nova", body, isGrant, options);
    return await timed(this.#meters, "porthole_node_redemption_seconds", ask);
  }

  /** Tells control what the node saw of itself. Throws a GatewayError. */
  async tellChecked(run: string, lines: readonly SeenByNode[], signal: AbortSignal): Promise<void> {
    const body: CheckedRequest = { incarnation: this.incarnation, run, lines: [...lines] };
    const options = { deadlineMs: deadlines.reportMs, signal, repeatable: true };
    await this.#client.call("checked", body, isEmpty, options);
  }

  /** Has control give a viewer's order to its machine's hypervisor. Throws a GatewayError. */
  async power(request: Omit<PowerRequest, "incarnation">): Promise<void> {
    const body = { ...request, incarnation: this.incarnation };
    const options = { deadlineMs: this.#powerMs, signal: this.#lifetime.signal };
    await this.#client.call("power", body, isEmpty, options);
  }

  async reopen(request: Omit<ReopenRequest, "incarnation">): Promise<ReopenResponse> {
    const body = { ...request, incarnation: this.incarnation };
    return await this.#client.call("reopen", body, isReopenResponse, this.#callOptions);
  }

  /** See `OfflineGrants.keep`. */
  keepGrants(grants: GrantsCommand["grants"]): string[] {
    return this.#offline.keep(grants);
  }

  /** Control wants this session over: whoever comes with its ticket is refused. */
  forgetGrant(session: Pick<SessionReport, "sessionId" | "attachment">): void {
    this.#offline.take(session);
  }

  /** See `Registration.takeKeys`. */
  takeKeys(keys: readonly NodeTicketKey[]): number {
    return this.#registration.takeKeys(keys);
  }

  isReporting(session: Pick<SessionReport, "sessionId" | "attachment">): boolean {
    return this.#reporter.isReporting(session);
  }

  report(report: SessionReport): void {
    this.#reporter.report(this.#offline.complete(report));
  }

  /** See `Whys.why`. While control does not answer, nobody is kept waiting for it. */
  async why(session: Pick<SessionReport, "sessionId" | "attachment">): Promise<GatewayError | undefined> {
    return this.#registration.isReachable ? await this.#whys.why(session) : undefined;
  }

  /** Somebody came with a ticket of this node, whom it refuses without asking. */
  noteRefusal(refusal: Omit<TicketRefusal, "at">): void {
    this.#refusals.tell({ ...refusal, at: this.#clock.now() });
  }

  /** Ends heartbeats, and whatever waits for an answer. */
  stopAsking(): void {
    this.#offline.clear();
    this.#lifetime.abort(new GatewayError("node_stopping"));
  }

  /** After `stopAsking`: sends the last reports and says goodbye, as far as control listens. */
  async finish(lastReportsMs: number): Promise<void> {
    const inTime = AbortSignal.timeout(lastReportsMs);
    const refusals = this.#refusals.flush(inTime).catch((error: unknown) => {
      this.#log.warn({ error }, "Control could not be told who was refused");
    });
    await Promise.all([this.#reporter.finish(lastReportsMs), refusals]);
    await this.#registration.deregister();
  }

  get #callOptions() {
    return { deadlineMs: this.#redeemMs, signal: this.#lifetime.signal };
  }

  /** Resolves when the node stops asking. Rejects with the GatewayError with which control ends this start. */
  async #keep(): Promise<void> {
    const { signal } = this.#lifetime;
    try {
      await Promise.all([
        this.#registration.keep(signal),
        this.#reporter.run(signal),
        this.#refusals.run(signal),
        this.#renewal.run(signal),
      ]);
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

/** By which control knows a question that it is asked again. */
function newNonce(): string {
  return drawRandom(12).toString("base64url");
}
