import { GatewayError } from "#wire/gateway-error.ts";
import { SUBPROTOCOL, viewerLimits } from "#wire/viewer.ts";
import { Standstill } from "./standstill.ts";
import type { UpstreamLeg } from "./upstream-leg.ts";
import type { ViewerLeg } from "./viewer-leg.ts";

const limits = {
  /**
   * Console bytes that may wait for a viewer in this process. The upstream is paused above it, so a viewer that
   * reads slowly, or not at all, costs this much and one read more, and slows down nobody but itself.
   */
  viewerBacklogBytes: 256 * 1024,
} as const;

/** Takes what a viewer says, lets through what it may say, and throws a ProtocolError for what nobody may. */
export interface ViewerFilter {
  push(bytes: Uint8Array): void;
  /** Messages so far that a person causes: keys, pointer, clipboard, power. */
  readonly inputs: number;
}

export interface RelayOptions {
  readonly viewer: ViewerLeg;
  readonly upstream: UpstreamLeg;
  /** Makes the filter between the viewer and `forward`. */
  readonly filter: (forward: (bytes: Uint8Array) => void) => ViewerFilter;
  readonly events: RelayEvents;
  /** How much a viewer of `porthole.v1` may not have acknowledged. */
  readonly unacknowledgedBytes?: number | undefined;
  /** Told once: when the machine has said something, or with a problem when it never will. */
  readonly onFirstByte?: (problem?: string) => void;
}

/** What a relay tells whoever it belongs to. An object, since a closure would keep alive how it was opened. */
export interface RelayEvents {
  /** Once, when the upstream has ended by itself. */
  upstreamGone(reason: GatewayError): void;
}

/**
 * Copies console bytes between one viewer and one upstream, as they come: towards the viewer unread, towards the
 * upstream through the filter. Each side is read only as fast as the other takes it, so nothing piles up here.
 *
 * This is the hot path, and thousands sit idle beside each other: it holds no buffer and no timer.
 */
export class Relay {
  readonly #viewer: ViewerLeg;
  readonly #upstream: UpstreamLeg;
  readonly #filter: ViewerFilter;
  readonly #events: RelayEvents;
  readonly #window: number;
  #bytesToViewer = 0;
  #bytesFromViewer = 0;
  /** How many of those to the viewer it has consumed, by its own account. */
  #acknowledged = 0;
  readonly #standstill = new Standstill();
  #upstreamWaits = false;
  #viewerWaits = false;
  #over = false;
  /** Until it was told; then nothing is left of it on the way of a byte. */
  #onFirstByte: RelayOptions["onFirstByte"];

  constructor({ viewer, upstream, filter, events, unacknowledgedBytes, onFirstByte }: RelayOptions) {
    this.#viewer = viewer;
    this.#upstream = upstream;
    this.#filter = filter((bytes) => this.#toUpstream(bytes));
    this.#events = events;
    this.#window = unacknowledgedBytes ?? viewerLimits.unacknowledgedBytes;
    this.#onFirstByte = onFirstByte;
  }

  get bytesToViewer(): number {
    return this.#bytesToViewer;
  }

  get bytesFromViewer(): number {
    return this.#bytesFromViewer;
  }

  get inputs(): number {
    return this.#filter.inputs;
  }

  /**
   * Begins with what each side is to get before anything else. The upstream is paused until now; one that has ended
   * in the meantime ends the relay at once.
   */
  start(first: {
    readonly toViewer: readonly Uint8Array[];
    readonly fromViewer: readonly Uint8Array[];
  }): void {
    const { socket } = this.#upstream;
    if (this.#onFirstByte === undefined) this.#listen();
    else this.#upstream.onBytes = (memory, length) => this.#fromUpstreamFirst(memory, length);
    socket.on("drain", () => this.#resumeViewer());
    socket.on("end", () => this.#upstreamGone("upstream_closed"));
    socket.on("error", (cause) => this.#upstreamGone("upstream_lost", cause));
    socket.on("close", () => this.#upstreamGone("upstream_lost"));
    for (const bytes of first.toViewer) this.#toViewer(bytes);
    for (const bytes of first.fromViewer) this.fromViewer(bytes);
    if (socket.readableEnded) this.#upstreamGone("upstream_closed");
    if (socket.destroyed) this.#upstreamGone("upstream_lost", socket.errored);
    if (!this.#upstreamWaits) socket.resume();
    if (!this.#viewerWaits) this.#viewer.resume();
  }

  /** Throws a ProtocolError. */
  fromViewer(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#bytesFromViewer += bytes.length;
    this.#filter.push(bytes);
  }

  /** A viewer that claims more than it was sent, or less than before, gains nothing by it. */
  acknowledged(total: number): void {
    this.#acknowledged = Math.min(Math.max(total, this.#acknowledged), this.#bytesToViewer);
    this.resumeUpstream();
  }

  /** To be called when the viewer's backlog has drained. */
  resumeUpstream(): void {
    if (!this.#upstreamWaits || this.#viewerIsBehind) return;
    this.#upstreamWaits = false;
    this.#upstream.socket.resume();
  }

  /** For how long the upstream has taken nothing of what waits for it, in milliseconds, as far as was looked. */
  upstreamStandstill(now: number): number {
    return this.#standstill.look(this.#upstream.socket, now);
  }

  /** Nothing is copied any more. What the viewer said last still reaches the upstream, which is closed behind it. */
  stop(): void {
    this.#over = true;
    this.#tellFirstByte("ended");
    this.#upstream.socket.destroySoon();
  }

  #toViewer(bytes: Uint8Array): void {
    if (this.#over) return;
    this.#bytesToViewer += bytes.length;
    this.#viewer.send(bytes);
    this.#heedViewer();
  }

  #listen(): void {
    this.#upstream.onBytes = (memory, length) => this.#fromUpstream(memory, length);
  }

  #fromUpstreamFirst(memory: Buffer, length: number): boolean {
    this.#tellFirstByte();
    this.#listen();
    return this.#fromUpstream(memory, length);
  }

  #tellFirstByte(problem?: string): void {
    this.#onFirstByte?.(problem);
    this.#onFirstByte = undefined;
  }

  #fromUpstream(memory: Buffer, length: number): boolean {
    if (this.#over) return true;
    this.#bytesToViewer += length;
    const isFree = this.#viewer.sendInPlace(memory, length);
    this.#heedViewer();
    return isFree;
  }

  #heedViewer(): void {
    if (!this.#viewerIsBehind || this.#upstreamWaits) return;
    this.#upstreamWaits = true;
    this.#upstream.socket.pause();
  }

  #toUpstream(bytes: Uint8Array): void {
    if (this.#upstream.socket.write(bytes) || this.#viewerWaits) return;
    this.#viewerWaits = true;
    this.#viewer.pause();
  }

  #resumeViewer(): void {
    if (!this.#viewerWaits || this.#over) return;
    this.#viewerWaits = false;
    this.#viewer.resume();
  }

  // INVARIANT: the bound on the backlog is above the socket's own high-water mark, so whenever it is exceeded the
  // socket will say `drain`.
  get #viewerIsBehind(): boolean {
    if (this.#viewer.backlog > limits.viewerBacklogBytes) return true;
    if (this.#viewer.dialect !== SUBPROTOCOL) return false;
    return this.#bytesToViewer - this.#acknowledged > this.#window;
  }

  #upstreamGone(code: "upstream_closed" | "upstream_lost", cause?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    // What lies above the socket knows when it was not merely cut.
    this.#events.upstreamGone(cause instanceof GatewayError ? cause : new GatewayError(code, { cause }));
  }
}
