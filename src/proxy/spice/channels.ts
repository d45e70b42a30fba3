import { hash } from "node:crypto";
import type { Log } from "#base/process/log.ts";
import { fromGranted, type Grant, type Upstream } from "#wire/grant.ts";
import { isNovaToken } from "#wire/link-nova.ts";
import type { Credentials } from "../console/admission.ts";
import type { Connect, Connecting } from "../console/opening.ts";
import { type Carried, sumOf } from "../console/quiet.ts";
import type { ViewerLeg } from "../console/viewer-leg.ts";
import type { Deadlines } from "../deadlines.ts";
import { Channel, type ChannelContext } from "./channel.ts";

const limits = {
  /** Of one session, beside its first. SPICE has about ten kinds, of which pictures and USB devices may have several. */
  channels: 31,
} as const;

/**
 * By which a channel is known to belong to a session: the token that opened it, and who came with it. Undefined where it is none of
 * SPICE. Nothing of the token can be read out of it.
 */
export function channelKey({ ticket, novaConsole, viewer }: Credentials): string | undefined {
  if (novaConsole !== "spice" || ticket === undefined || !isNovaToken(ticket)) return undefined;
  return `${hash("sha256", ticket, "base64url")} ${viewer.address}`;
}

/** Undefined where the session is none of SPICE. */
export function channelsOf(
  { protocol, sessionId, upstream }: Grant,
  { connect, deadlines, log }: Dialling,
  onEmptied: () => void,
): Channels | undefined {
  if (protocol !== "spice") return undefined;
  const dial: Connect = async (connecting) => await connect(fromGranted(upstream), connecting);
  return new Channels({ sessionId, connect: dial, deadlines, log }, onEmptied);
}

interface Dialling {
  readonly connect: (upstream: Upstream, connecting: Connecting) => ReturnType<Connect>;
  readonly deadlines: Deadlines;
  readonly log: Log;
}

/** A SPICE session's channels beside its first one, which is the session's own. They end with it, and it is over when they are. */
export class Channels {
  readonly #context: Omit<ChannelContext, "onOver">;
  readonly #onEmptied: () => void;
  readonly #open = new Set<Channel>();
  /** Of those that are over. */
  #before: Carried = { bytesToViewer: 0, bytesFromViewer: 0, inputs: 0 };

  constructor(context: Omit<ChannelContext, "onOver">, onEmptied: () => void) {
    this.#context = context;
    this.#onEmptied = onEmptied;
  }

  get size(): number {
    return this.#open.size;
  }

  get isFull(): boolean {
    return this.#open.size >= limits.channels;
  }

  /** What all of them have carried. */
  get carried(): Carried {
    return [...this.#open].reduce(sumOf, this.#before);
  }

  /** The channel lives by itself from here on. */
  join(viewer: ViewerLeg): void {
    const channel = new Channel({ ...this.#context, onOver: (over) => this.#remove(over) }, viewer);
    this.#open.add(channel);
    void channel.open();
  }

  end(reason: unknown): void {
    for (const channel of [...this.#open]) channel.end(reason);
  }

  lookAfter(now: number): void {
    for (const channel of [...this.#open]) channel.lookAfter(now);
  }

  #remove(channel: Channel): void {
    if (!this.#open.delete(channel)) return;
    this.#before = sumOf(this.#before, channel);
    if (this.#open.size === 0) this.#onEmptied();
  }
}
