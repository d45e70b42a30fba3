import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import { type ConsoleProtocol, fromGranted, type Grant, type Upstream } from "#wire/grant.ts";
import type { SessionReport } from "#wire/link.ts";
import type { SerialViewerMessage } from "#wire/serial.ts";
import type { UpstreamStep } from "#wire/upstream-step.ts";
import { type Ending, type Notice, type PowerMessage, SUBPROTOCOL } from "#wire/viewer.ts";
import type { Deadlines } from "../deadlines.ts";
import { isWatched, type Observing } from "../observe/observing.ts";
import { OpeningWatch } from "../observe/opening-watch.ts";
import type { Lines } from "../serial/lines.ts";
import type { SignIns } from "../sign-ins/sign-ins.ts";
import { type Channels, channelsOf } from "../spice/channels.ts";
import { stepOf } from "../upstream-step.ts";
import { Conversation } from "./conversation.ts";
import { endingOf, isForOperator } from "./ending.ts";
import type { Connect, Connecting, OpenConsole } from "./opening.ts";
import { OPENINGS } from "./openings.ts";
import { type GiveOrder, Orders } from "./orders.ts";
import { type Carried, Quiet, sumOf, type Timeouts } from "./quiet.ts";
import { Relay, type RelayEvents } from "./relay.ts";
import type { UpstreamSocket } from "./upstream-leg.ts";
import type { ViewerEvents, ViewerLeg } from "./viewer-leg.ts";

/** A session on this node: redeemed and being opened; relaying; closed by its machine, nobody knows why; being taken down; over. */
export type State = "pending" | "active" | "asking" | "closing" | "ended";

const NEXT: Readonly<Record<State, readonly State[]>> = {
  pending: ["active", "closing"],
  active: ["asking", "closing"],
  asking: ["closing"],
  closing: ["ended"],
  ended: [],
};

/** What a machine looks like from here that stopped, moved or was deleted. Its hypervisor knows which. */
const LOOKS_CLOSED: ReadonlySet<ErrorCode> = new Set([
  "upstream_closed",
  "upstream_lost",
  "upstream_line_taken",
]);

/** What all sessions of a node share. */
export interface SessionContext {
  readonly log: Log;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly connect: (upstream: Upstream, connecting: Connecting) => ReturnType<Connect>;
  readonly signIns: SignIns;
  readonly lines: Lines;
  readonly report: (report: SessionReport) => void;
  /** Why a machine has closed an open console; undefined where nobody knows. Takes a bounded time, and never rejects. */
  readonly why?: (session: Session) => Promise<GatewayError | undefined>;
  /** Has control give an order to a machine's hypervisor. Throws a GatewayError. */
  readonly order: GiveOrder;
  readonly entrances: () => readonly string[];
  /** What viewers are to know of this node, if anything. */
  readonly notice?: (() => Notice | undefined) | undefined;
  readonly timeouts?: (() => Timeouts) | undefined;
  readonly observing?: Observing | undefined;
  /** The session is over: both ends are closed. */
  readonly onEnded: (session: Session) => void;
}

/** Exists while the console is being opened, and takes with it whatever only that needs. */
interface Pending {
  readonly grant: Grant;
  readonly conversation: Conversation;
  readonly abort: AbortController;
  readonly watch: OpeningWatch | undefined;
  /** The hypervisor has been called. */
  hasBegun: boolean;
}

/** One console that is open on this node: one viewer, one upstream, one ending. */
export class Session implements ViewerEvents, RelayEvents {
  readonly #context: SessionContext;
  readonly #viewer: ViewerLeg;
  readonly sessionId: string;
  readonly attachment: number;
  readonly protocol: ConsoleProtocol;
  /** Of a SPICE session, beside its first. */
  readonly channels: Channels | undefined;
  #state: State = "pending";
  #pending: Pending | undefined;
  #relay: Relay | undefined;
  #hear: OpenConsole["hear"];
  #upstream: UpstreamSocket | undefined;
  readonly #quiet = new Quiet();
  readonly #canAsk: boolean;
  /** What ended the upstream, while it is asked why. */
  #looksLike: GatewayError | undefined;
  readonly #orders: Orders;
  #viewerIsGone = false;
  #ending: Ending | undefined;
  /** What was behind the ending, for the operator's log and nobody else. */
  #cause: string | undefined;
  /** In which step of getting to the console it failed. */
  #step: UpstreamStep | undefined;
  #cutting: NodeJS.Timeout | undefined;

  constructor(context: SessionContext, viewer: ViewerLeg, grant: Grant) {
    this.#context = context;
    this.#viewer = viewer;
    this.sessionId = grant.sessionId;
    this.attachment = grant.attachment;
    this.protocol = grant.protocol;
    this.#canAsk = grant.askWhy === true;
    this.#orders = new Orders({
      session: { sessionId: this.sessionId, attachment: this.attachment },
      areTaken: grant.takesOrders === true,
      give: context.order,
      // The ending is the last thing that a viewer is told.
      tell: (powered) => this.#state === "active" && viewer.tell(powered),
    });
    const { observing } = context;
    const watch = isWatched(observing) ? new OpeningWatch(observing, grant) : undefined;
    const conversation = new Conversation(viewer);
    this.#pending = { grant, conversation, abort: new AbortController(), watch, hasBegun: false };
    this.channels = channelsOf(grant, context, () => this.#settle());
    viewer.listen(this, { takesText: grant.protocol === "serial" });
  }

  get state(): State {
    return this.#state;
  }

  get bytesToViewer(): number {
    return this.#carried.bytesToViewer;
  }

  get bytesFromViewer(): number {
    return this.#carried.bytesFromViewer;
  }

  get #carried(): Carried {
    const { bytesToViewer = 0, bytesFromViewer = 0, inputs = 0 } = this.#relay ?? {};
    const own = { bytesToViewer, bytesFromViewer, inputs };
    return this.channels === undefined ? own : sumOf(own, this.channels.carried);
  }

  /** Never rejects: however it turns out, the session ends by itself. */
  async open(): Promise<void> {
    const pending = this.#pending;
    if (pending === undefined) return;
    const { log, deadlines, connect, signIns, lines } = this.#context;
    const { grant, conversation, abort, watch } = pending;
    const dial: Connect = async (connecting) => {
      const leg = await connect(fromGranted(grant.upstream), connecting);
      pending.hasBegun = true;
      return leg;
    };
    log.debug({ sessionId: this.sessionId, machineId: grant.machine.id }, "Session opens");
    try {
      const open = await OPENINGS[grant.protocol]({
        grant,
        viewer: {
          conversation,
          send: (bytes) => this.#viewer.send(bytes),
          tell: (message) => this.#state === "active" && this.#viewer.tell(message),
          isBare: this.#viewer.dialect !== SUBPROTOCOL,
        },
        lines,
        connect: (connecting) =>
          watch === undefined ? dial(connecting) : watch.dial(() => dial(connecting)),
        signIns,
        onStage: (stage) => {
          watch?.stage(stage);
          this.#viewer.tell({
            type: "progress",
            stage,
            machine: { id: grant.machine.id, name: grant.machine.name },
          });
        },
        deadlines,
        signal: abort.signal,
      });
      this.#attach(open, pending);
    } catch (error) {
      this.end(error);
    }
  }

  /** Ends the session for this reason, unless it is ending already. */
  end(reason: unknown): void {
    const reopen = this.#pending?.grant.reopen;
    const wasOpen = this.#state === "active" || this.#state === "asking";
    if (!this.#enter("closing")) return;
    const error = toGatewayError(reason);
    if (error.code === "internal")
      this.#context.log.error({ error, sessionId: this.sessionId }, "Session broke");
    this.#ending = endingOf(error, { session: this.sessionId, wasOpen });
    this.#cause = error.cause instanceof Error ? error.cause.message : undefined;
    this.#step = stepOf(error);
    this.#pending?.abort.abort(error);
    this.#pending?.conversation.fail(error);
    this.#pending?.watch?.end(error.code);
    this.#pending = undefined;
    this.#relay?.stop();
    this.channels?.end(error);
    if (!this.#viewerIsGone) this.#viewer.end(this.#ending, reopen);
    if (this.#upstream?.closed === false) this.#upstream.once("close", () => this.#settle());
    this.#cutting = setTimeout(() => this.#cut(), this.#context.deadlines.closingMs);
    this.#settle();
  }

  /** Before a console is attached it has not said whose it is; then it is told by itself. */
  notify(notice: Notice): void {
    if (this.#state === "active") this.#viewer.tell(notice);
  }

  reportIfOpen(): void {
    if (this.#state === "active") this.#report("active");
  }

  /** Looks after both ends, now and then: who is not there any more, or takes nothing any more, ends the session. */
  lookAfter(now: number): void {
    if (this.#state === "closing") return;
    const { deadlines } = this.#context;
    const { standstillMs } = deadlines;
    this.channels?.lookAfter(now);
    if (!this.#viewer.ping(now, deadlines)) this.end(new GatewayError("viewer_lost"));
    const standstill = this.#relay?.upstreamStandstill(now) ?? 0;
    if (standstill >= standstillMs)
      this.end(new GatewayError("upstream_timeout", { detail: "it takes no input any more" }));
    const tooQuiet =
      this.#relay === undefined
        ? undefined
        : this.#quiet.look(now, this.#carried, this.#context.timeouts?.());
    if (tooQuiet !== undefined) this.end(new GatewayError(tooQuiet));
  }

  fromViewer(bytes: Uint8Array): void {
    this.#pending?.conversation.push(bytes);
    this.#orEnd(() => this.#relay?.fromViewer(bytes));
  }

  acknowledged(total: number): void {
    this.#relay?.acknowledged(total);
  }

  ordered(order: PowerMessage): void {
    if (this.#state === "active") void this.#orders.give(order);
  }

  said(message: SerialViewerMessage): void {
    if (this.#state === "active") this.#hear?.(message);
  }

  drained(): void {
    this.#relay?.resumeUpstream();
  }

  violated(error: GatewayError): void {
    if (this.#isLeftBegun(error)) return;
    this.end(error);
  }

  upstreamGone(reason: GatewayError): void {
    if (this.#canAsk && LOOKS_CLOSED.has(reason.code) && this.#enter("asking")) void this.#askWhy(reason);
    else this.end(reason);
  }

  viewerGone(reason: GatewayError): void {
    this.#viewerIsGone = true;
    if (this.#isLeftBegun(reason)) return;
    // It went after the machine did.
    this.end(this.#looksLike ?? reason);
    this.#settle();
  }

  /**
   * Whether somebody leaves while we are signing in: a hypervisor may count that as a wrong password, so it is brought to its end, and
   * the session ends with what came of it, or with this reason.
   */
  #isLeftBegun(reason: GatewayError): boolean {
    if (this.#pending?.hasBegun !== true) return false;
    this.#pending.conversation.fail(reason);
    return true;
  }

  /** The viewer keeps the picture, and is told that it is the last one. What control ends the session with meanwhile counts. */
  async #askWhy(looksLike: GatewayError): Promise<void> {
    this.#looksLike = looksLike;
    this.#relay?.stop();
    this.#viewer.resume();
    this.#viewer.tell({ type: "closing", code: looksLike.code });
    this.end((await this.#context.why?.(this)) ?? looksLike);
  }

  #attach(open: OpenConsole, { grant, conversation, watch }: Pending): void {
    const { upstream, toViewer, filter, serial, unacknowledgedBytes } = open;
    if (!this.#enter("active")) {
      upstream.socket.destroy();
      return;
    }
    this.#pending = undefined;
    this.#upstream = upstream.socket;
    const { id, name } = grant.machine;
    this.#viewer.tell({
      type: "attached",
      sessionId: this.sessionId,
      machine: { id, name },
      rights: grant.rights,
      reopen: grant.reopen,
      entrances: [...this.#context.entrances()],
      ...(grant.takesOrders === true ? { takesOrders: true } : {}),
      protocol: this.protocol,
      ...(serial === undefined ? {} : { serial }),
    });
    const notice = this.#context.notice?.();
    if (notice !== undefined) this.#viewer.tell(notice);
    this.#report("active");
    this.#context.observing?.meters?.add("porthole_node_opens_total", { protocol: this.protocol });
    this.#hear = open.hear;
    open.onAttached?.();
    const relay = new Relay({
      viewer: this.#viewer,
      upstream,
      filter,
      events: this,
      unacknowledgedBytes,
      ...(watch === undefined ? {} : { onFirstByte: (problem) => watch.end(problem) }),
    });
    this.#relay = relay;
    this.#orEnd(() => relay.start({ toViewer, fromViewer: conversation.takeEarly() }));
  }

  /** What a viewer says may be against the protocol, which is the end of it. */
  #orEnd(relay: () => void): void {
    try {
      relay();
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.end(new GatewayError("viewer_protocol_error", { cause: error, detail: error.message }));
    }
  }

  #enter(state: State): boolean {
    if (!NEXT[this.#state].includes(state)) return false;
    this.#state = state;
    return true;
  }

  #cut(): void {
    this.#viewer.cut();
    this.#upstream?.destroy();
    // TLS over a stream that is no socket may be closed and never say so: Node waits for the one below, which has said it already.
    this.#settle();
  }

  // INVARIANT: a session is reported as ended only when both of its ends are closed.
  #settle(): void {
    const upstreamIsGone = this.#upstream === undefined || this.#upstream.closed;
    const hasChannels = this.channels !== undefined && this.channels.size > 0;
    if (!this.#viewerIsGone || !upstreamIsGone || hasChannels || !this.#enter("ended")) return;
    clearTimeout(this.#cutting);
    this.#report("ended");
    this.#log();
    const { kind = "failed", code: reason = "internal" } = this.#ending ?? {};
    const { observing } = this.#context;
    observing?.meters?.add("porthole_node_endings_total", { protocol: this.protocol, kind, reason });
    this.#context.onEnded(this);
  }

  #log(): void {
    const { kind = "failed", code = "internal", detail } = this.#ending ?? {};
    const { bytesToViewer, bytesFromViewer } = this;
    const fields = { sessionId: this.sessionId, kind, code, step: this.#step, detail, cause: this.#cause };
    const level = isForOperator({ kind, code }) ? "warn" : "info";
    this.#context.log[level]({ ...fields, bytesToViewer, bytesFromViewer }, "Session ended");
  }

  #report(state: SessionReport["state"]): void {
    this.#context.report({
      sessionId: this.sessionId,
      attachment: this.attachment,
      at: this.#context.clock.now(),
      state,
      ...(this.#ending === undefined ? {} : { ending: this.#ending }),
      ...(this.#step === undefined ? {} : { step: this.#step }),
      bytesToViewer: this.bytesToViewer,
      bytesFromViewer: this.bytesFromViewer,
    });
  }
}
