import { once } from "node:events";
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Grant } from "#wire/grant.ts";
import type { Notice } from "#wire/viewer.ts";
import { endingOf } from "./ending.ts";
import { Session, type SessionContext } from "./session.ts";
import type { Dialect } from "./upgrade-request.ts";
import { ViewerLeg } from "./viewer-leg.ts";

/** Sessions are looked after in this many groups, one after the other, so that thousands of viewers do not answer a ping all at once. */
const GROUPS = 20;

/** A WebSocket that was admitted, and what it was admitted to. */
export interface Admitted {
  readonly webSocket: WebSocket;
  readonly socket: Socket;
  readonly dialect: Dialect;
  readonly grant: Grant;
  /** By which further channels of a SPICE session are known (proxy/spice/channels.ts). */
  readonly channelKey?: string | undefined;
}

/** The sessions that this node carries, with one ticker for all of them. */
export class Sessions {
  readonly #context: SessionContext;
  /** Each with its group. */
  readonly #sessions = new Map<Session, number>();
  readonly #byAttachment = new Map<string, Session>();
  /** Those of SPICE, by their channels' key, and that key. */
  readonly #byChannel = new Map<string, Session>();
  readonly #emptied = new EventTarget();
  readonly #ticker: NodeJS.Timeout;
  #group = 0;
  /** Of the sessions that are over. */
  #endedBytes = { toViewer: 0, fromViewer: 0 };

  constructor(context: Omit<SessionContext, "onEnded">) {
    this.#context = { ...context, onEnded: (session) => this.#remove(session) };
    this.#ticker = setInterval(() => this.#lookAfterNextGroup(), context.deadlines.pingMs / GROUPS);
    this.#ticker.unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Viewers' connections: one for each session, and those of SPICE's further channels. */
  get connections(): number {
    return [...this.#byChannel.values()].reduce(
      (sum, { channels }) => sum + (channels?.size ?? 0),
      this.size,
    );
  }

  /** How many sessions there are of each protocol in each state. Looks at all: for whoever watches, now and then. */
  counts(): readonly { readonly protocol: string; readonly state: string; readonly count: number }[] {
    const groups = Map.groupBy(this.#sessions.keys(), ({ protocol, state }) => `${protocol} ${state}`);
    return [...groups].map(([key, sessions]) => {
      const [protocol = "", state = ""] = key.split(" ");
      return { protocol, state, count: sessions.length };
    });
  }

  /** All that was ever relayed. Looks at all sessions too. */
  bytes(): { readonly toViewer: number; readonly fromViewer: number } {
    const total = { ...this.#endedBytes };
    for (const session of this.#sessions.keys()) addBytes(total, session);
    return total;
  }

  /** From here on the session lives by itself, and is in the list until both of its ends are closed. */
  open(admitted: Admitted): Session {
    const session = this.#add(admitted);
    const { channelKey } = admitted;
    if (channelKey !== undefined && session.channels !== undefined) this.#byChannel.set(channelKey, session);
    void session.open();
    return session;
  }

  /** Whether this belongs to a SPICE session that is open here. Throws `node_full` where that has as many channels as it may. */
  hasRoomForChannel(channelKey: string): boolean {
    const session = this.#byChannel.get(channelKey);
    if (session?.channels === undefined || session.state !== "active") return false;
    if (session.channels.isFull)
      throw new GatewayError("node_full", { detail: "the console has as many channels as it may" });
    return true;
  }

  /** One more channel of an open session that has room for it. */
  join(channelKey: string, { webSocket, socket, dialect }: Omit<Admitted, "grant">): void {
    this.#byChannel.get(channelKey)?.channels?.join(new ViewerLeg(webSocket, socket, dialect));
  }

  /** Whoever comes with a good ticket while the node leaves: told why, with the way to another console. Nothing is dialled. */
  turnAway({ webSocket, socket, dialect, grant }: Admitted, reason: GatewayError): void {
    this.#add({ webSocket, socket, dialect, grant }).end(reason);
  }

  /** Tells all viewers, and those to come what `context.notice` says by then. */
  notify(notice: Notice): void {
    for (const session of this.#sessions.keys()) session.notify(notice);
  }

  /** Resolves when no session is left, or when the signal aborts. */
  async untilEmpty(signal: AbortSignal): Promise<void> {
    while (this.#sessions.size > 0 && !signal.aborted)
      await once(this.#emptied, "emptied", { signal }).catch(() => {});
  }

  /** Ends one session, if this node carries it, for this reason. Says whether it does. */
  end(attached: Attached, reason: GatewayError): boolean {
    const session = this.#byAttachment.get(keyOf(attached));
    session?.end(reason);
    return session !== undefined;
  }

  /** Tells control of every console that is open. */
  reportAll(): void {
    for (const session of this.#sessions.keys()) session.reportIfOpen();
  }

  /** A ticket was redeemed for a viewer that had gone meanwhile: control is told, and nothing is dialled. */
  missed({ sessionId, attachment }: Grant): void {
    this.#context.report({
      sessionId,
      attachment,
      at: this.#context.clock.now(),
      state: "ended",
      ending: endingOf(new GatewayError("viewer_lost"), { session: sessionId, wasOpen: false }),
      bytesToViewer: 0,
      bytesFromViewer: 0,
    });
  }

  /** Ends all sessions for this reason. Resolves when they are over, which takes the closing deadline at most. */
  async endAll(reason: Error): Promise<void> {
    clearInterval(this.#ticker);
    for (const session of [...this.#sessions.keys()]) session.end(reason);
    if (this.#sessions.size > 0) await once(this.#emptied, "emptied");
  }

  #add({ webSocket, socket, dialect, grant }: Admitted): Session {
    const session = new Session(this.#context, new ViewerLeg(webSocket, socket, dialect), grant);
    this.#sessions.set(session, this.#sessions.size % GROUPS);
    this.#byAttachment.set(keyOf(grant), session);
    return session;
  }

  #remove(session: Session): void {
    this.#sessions.delete(session);
    addBytes(this.#endedBytes, session);
    this.#byAttachment.delete(keyOf(session));
    if (session.channels !== undefined)
      for (const [key, other] of this.#byChannel) if (other === session) this.#byChannel.delete(key);
    if (this.#sessions.size === 0) this.#emptied.dispatchEvent(new Event("emptied"));
  }

  #lookAfterNextGroup(): void {
    this.#group = (this.#group + 1) % GROUPS;
    const now = performance.now();
    for (const [session, group] of this.#sessions) if (group === this.#group) session.lookAfter(now);
  }
}

type Attached = Pick<Grant, "sessionId" | "attachment">;

function keyOf({ sessionId, attachment }: Attached): string {
  return `${sessionId} ${attachment}`;
}

function addBytes(total: { toViewer: number; fromViewer: number }, session: Session): void {
  total.toViewer += session.bytesToViewer;
  total.fromViewer += session.bytesFromViewer;
}
