import type { Socket } from "node:net";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import { fromGranted, type Grant, type Protocol, type Upstream } from "#wire/grant.ts";
import type { SessionReport } from "#wire/link.ts";
import type { Ending, Notice } from "#wire/viewer.ts";
import type { Deadlines } from "../deadlines.ts";
import { isWatched, type Observing } from "../observe/observing.ts";
import { OpeningWatch } from "../observe/opening-watch.ts";
import { openRfb } from "../upstreams/rfb.ts";
import { Conversation } from "./conversation.ts";
import { endingOf } from "./ending.ts";
import type { OpenConsole, Opening } from "./opening.ts";
import { Quiet, type Timeouts } from "./quiet.ts";
import { Relay, type RelayEvents } from "./relay.ts";
import type { UpstreamLeg } from "./upstream-leg.ts";
import type { ViewerEvents, ViewerLeg } from "./viewer-leg.ts";

const OPENINGS: Readonly<Record<Protocol, Opening>> = { rfb: openRfb };

/** A session on this node: redeemed and being opened; relaying; being taken down; over. */
export type State = "pending" | "active" | "closing" | "ended";

const NEXT: Readonly<Record<State, readonly State[]>> = {
  pending: ["active", "closing"],
  active: ["closing"],
  closing: ["ended"],
  ended: [],
};

/** What all sessions of a node share. */
export interface SessionContext {
  readonly log: Log;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly connect: (upstream: Upstream, signal: AbortSignal) => Promise<UpstreamLeg>;
  readonly report: (report: SessionReport) => void;
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
}

/** One console that is open on this node: one viewer, one upstream, one ending. */
export class Session implements ViewerEvents, RelayEvents {
  readonly #context: SessionContext;
  readonly #viewer: ViewerLeg;
  readonly sessionId: string;
  readonly attachment: number;
  readonly protocol: Protocol;
  #state: State = "pending";
  #pending: Pending | undefined;
  #relay: Relay | undefined;
  #upstream: Socket | undefined;
  readonly #quiet = new Quiet();
  #viewerIsGone = false;
  #ending: Ending | undefined;
  /** What was behind the ending, for the operator's log and nobody else. */
  #cause: string | undefined;
  #cutting: NodeJS.Timeout | undefined;

  constructor(context: SessionContext, viewer: ViewerLeg, grant: Grant) {
    this.#context = context;
    this.#viewer = viewer;
    this.sessionId = grant.sessionId;
    this.attachment = grant.attachment;
    this.protocol = grant.protocol;
    const { observing } = context;
    const watch = isWatched(observing) ? new OpeningWatch(observing, grant) : undefined;
    this.#pending = { grant, conversation: new Conversation(viewer), abort: new AbortController(), watch };
    viewer.listen(this);
  }

  get state(): State {
    return this.#state;
  }

  get bytesToViewer(): number {
    return this.#relay?.bytesToViewer ?? 0;
  }

  get bytesFromViewer(): number {
    return this.#relay?.bytesFromViewer ?? 0;
  }

  /** Never rejects: however it turns out, the session ends by itself. */
  async open(): Promise<void> {
    const pending = this.#pending;
    if (pending === undefined) return;
    const { log, deadlines, connect } = this.#context;
    const { grant, conversation, abort, watch } = pending;
    const dial = () => connect(fromGranted(grant.upstream), abort.signal);
    log.debug({ sessionId: this.sessionId, machineId: grant.machine.id }, "Session opens");
    try {
      const open = await OPENINGS[grant.protocol]({
        grant,
        viewer: { conversation, send: (bytes) => this.#viewer.send(bytes) },
        connect: () => (watch === undefined ? dial() : watch.dial(dial)),
        onStage: (stage) => {
          watch?.stage(stage);
          this.#viewer.tell({ type: "progress", stage });
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
    const wasOpen = this.#state === "active";
    if (!this.#enter("closing")) return;
    const error = toGatewayError(reason);
    if (error.code === "internal")
      this.#context.log.error({ error, sessionId: this.sessionId }, "Session broke");
    this.#ending = endingOf(error, { session: this.sessionId, wasOpen });
    this.#cause = error.cause instanceof Error ? error.cause.message : undefined;
    this.#pending?.abort.abort(error);
    this.#pending?.conversation.fail(error);
    this.#pending?.watch?.end(error.code);
    this.#pending = undefined;
    this.#relay?.stop();
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
    if (!this.#viewer.ping(now, deadlines)) this.end(new GatewayError("viewer_lost"));
    const standstill = this.#relay?.upstreamStandstill(now) ?? 0;
    if (standstill >= standstillMs)
      this.end(new GatewayError("upstream_timeout", { detail: "it takes no input any more" }));
    const tooQuiet =
      this.#relay === undefined ? undefined : this.#quiet.look(now, this.#relay, this.#context.timeouts?.());
    if (tooQuiet !== undefined) this.end(new GatewayError(tooQuiet));
  }

  fromViewer(bytes: Uint8Array): void {
    this.#pending?.conversation.push(bytes);
    this.#orEnd(() => this.#relay?.fromViewer(bytes));
  }

  acknowledged(total: number): void {
    this.#relay?.acknowledged(total);
  }

  drained(): void {
    this.#relay?.resumeUpstream();
  }

  violated(error: GatewayError): void {
    this.end(error);
  }

  upstreamGone(reason: GatewayError): void {
    this.end(reason);
  }

  viewerGone(reason: GatewayError): void {
    this.#viewerIsGone = true;
    this.end(reason);
    this.#settle();
  }

  #attach({ upstream, toViewer, filter }: OpenConsole, { grant, conversation, watch }: Pending): void {
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
    });
    const notice = this.#context.notice?.();
    if (notice !== undefined) this.#viewer.tell(notice);
    this.#report("active");
    this.#context.observing?.meters?.add("porthole_node_opens_total", { protocol: this.protocol });
    const relay = new Relay({
      viewer: this.#viewer,
      upstream,
      filter,
      events: this,
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
  }

  // INVARIANT: a session is reported as ended only when both of its ends are closed.
  #settle(): void {
    const upstreamIsGone = this.#upstream === undefined || this.#upstream.closed;
    if (!this.#viewerIsGone || !upstreamIsGone || !this.#enter("ended")) return;
    clearTimeout(this.#cutting);
    this.#report("ended");
    this.#log();
    const { kind = "failed", code: reason = "internal" } = this.#ending ?? {};
    const { observing } = this.#context;
    observing?.meters?.add("porthole_node_endings_total", { protocol: this.protocol, kind, reason });
    this.#context.onEnded(this);
  }

  #log(): void {
    const { kind, code, detail } = this.#ending ?? {};
    const { bytesToViewer = 0, bytesFromViewer = 0 } = this.#relay ?? {};
    const fields = { sessionId: this.sessionId, kind, code, detail, cause: this.#cause };
    // What failed is what an operator is asked about, with the session's id: it is not to be missing where little is logged.
    // A browser that vanishes is nothing of the operator's.
    const level = kind === "failed" && code !== "viewer_lost" ? "warn" : "info";
    this.#context.log[level]({ ...fields, bytesToViewer, bytesFromViewer }, "Session ended");
  }

  #report(state: SessionReport["state"]): void {
    this.#context.report({
      sessionId: this.sessionId,
      attachment: this.attachment,
      at: this.#context.clock.now(),
      state,
      ...(this.#ending === undefined ? {} : { ending: this.#ending }),
      bytesToViewer: this.#relay?.bytesToViewer ?? 0,
      bytesFromViewer: this.#relay?.bytesFromViewer ?? 0,
    });
  }
}
