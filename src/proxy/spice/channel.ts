import type { Log } from "#base/process/log.ts";
import { SPICE_CHANNEL, type SpiceLink } from "#protocols/spice/link.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import { Conversation } from "../console/conversation.ts";
import { endingOf } from "../console/ending.ts";
import type { Connect } from "../console/opening.ts";
import { Relay, type RelayEvents } from "../console/relay.ts";
import type { UpstreamSocket } from "../console/upstream-leg.ts";
import type { ViewerEvents, ViewerLeg } from "../console/viewer-leg.ts";
import type { Deadlines } from "../deadlines.ts";
import { openSpiceChannel } from "../upstreams/spice.ts";

/** What a channel has of the session that it belongs to. */
export interface ChannelContext {
  readonly sessionId: string;
  /** Dials the session's upstream, which must be allowed. */
  readonly connect: Connect;
  readonly deadlines: Deadlines;
  readonly log: Log;
  readonly onOver: (channel: Channel) => void;
}

/** One more channel of a SPICE session that is open on this node: a WebSocket, a connection to the server, and an end that is its own. */
export class Channel implements ViewerEvents, RelayEvents {
  readonly #context: ChannelContext;
  readonly #viewer: ViewerLeg;
  readonly #conversation: Conversation;
  readonly #abort = new AbortController();
  #relay: Relay | undefined;
  #upstream: UpstreamSocket | undefined;
  #viewerIsGone = false;
  #isEnding = false;
  #isOver = false;
  #cutting: NodeJS.Timeout | undefined;

  constructor(context: ChannelContext, viewer: ViewerLeg) {
    this.#context = context;
    this.#viewer = viewer;
    this.#conversation = new Conversation(viewer);
    viewer.listen(this);
  }

  get bytesToViewer(): number {
    return this.#relay?.bytesToViewer ?? 0;
  }

  get bytesFromViewer(): number {
    return this.#relay?.bytesFromViewer ?? 0;
  }

  get inputs(): number {
    return this.#relay?.inputs ?? 0;
  }

  /** Never rejects: however it turns out, the channel ends by itself. */
  async open(): Promise<void> {
    const { connect, deadlines } = this.#context;
    const parts = {
      ...{ connect, deadlines, signal: this.#abort.signal, onStage: () => {} },
      viewer: { conversation: this.#conversation },
    };
    try {
      const { upstream, toViewer, filter } = await openSpiceChannel(parts, checkJoining);
      if (this.#isEnding) {
        upstream.socket.destroy();
        return;
      }
      this.#upstream = upstream.socket;
      this.#relay = new Relay({ viewer: this.#viewer, upstream, filter, events: this });
      this.#relay.start({ toViewer, fromViewer: this.#conversation.takeEarly() });
    } catch (error) {
      this.end(error);
    }
  }

  /** Ends the channel for this reason, unless it is ending already. */
  end(reason: unknown): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    const error = toGatewayError(reason);
    const wasOpen = this.#relay !== undefined;
    this.#abort.abort(error);
    this.#conversation.fail(error);
    this.#relay?.stop();
    const { sessionId, log } = this.#context;
    if (!wasOpen && !this.#viewerIsGone)
      log.info({ sessionId, code: error.code, detail: error.detail }, "Channel of a console not opened");
    if (!this.#viewerIsGone) this.#viewer.end(endingOf(error, { session: sessionId, wasOpen }));
    if (this.#upstream?.closed === false) this.#upstream.once("close", () => this.#settle());
    this.#cutting = setTimeout(() => this.#cut(), this.#context.deadlines.closingMs);
    this.#settle();
  }

  lookAfter(now: number): void {
    if (this.#isEnding) return;
    const { deadlines } = this.#context;
    if (!this.#viewer.ping(now, deadlines)) this.end(new GatewayError("viewer_lost"));
    else if ((this.#relay?.upstreamStandstill(now) ?? 0) >= deadlines.standstillMs)
      this.end(new GatewayError("upstream_timeout", { detail: "it takes no input any more" }));
  }

  fromViewer(bytes: Uint8Array): void {
    if (this.#relay === undefined) this.#conversation.push(bytes);
    else this.#relay.fromViewer(bytes);
  }

  /** Said in `porthole.v1` alone, which has no channels. */
  acknowledged(): void {}
  ordered(): void {}
  said(): void {}

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

  #cut(): void {
    this.#viewer.cut();
    this.#upstream?.destroy();
    this.#settle();
  }

  #settle(): void {
    const upstreamIsGone = this.#upstream === undefined || this.#upstream.closed;
    if (!this.#viewerIsGone || !upstreamIsGone || this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#cutting);
    this.#context.onOver(this);
  }
}

/** INVARIANT: within a session that is open nobody gets another one, whose viewer the server would have in this one's place. */
function checkJoining({ connectionId, channelType }: SpiceLink): void {
  if (connectionId === 0 || channelType === SPICE_CHANNEL.main) throw new GatewayError("spice_in_use");
}
