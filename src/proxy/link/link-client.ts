import { createSecureContext, type SecureContext } from "node:tls";
import { toGatewayError } from "#wire/gateway-error.ts";
import type { LinkCall } from "#wire/link.ts";
import { withDeadline } from "../deadline.ts";
import type { IsAnswer } from "./answers.ts";
import { CHANNEL_DEADLINES, Channel, type ChannelDeadlines, type Obey } from "./channel.ts";
import { abortion, unreachable } from "./refusal.ts";

/** What a node presents to control and what it accepts of it, all PEM. */
export interface LinkCredentials {
  readonly authority: string;
  readonly certificate: string;
  readonly privateKey: string;
}

export interface CallOptions {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  /** Control answers it alike however often it is asked: where a channel was lost, it is asked again on the next one. */
  readonly repeatable?: boolean;
}

export interface LinkClientOptions {
  /** The origins of the links of control's replicas, of which any one will do. */
  readonly controls: readonly string[];
  readonly credentials: LinkCredentials;
  readonly obey: Obey;
  readonly deadlines?: ChannelDeadlines;
}

/**
 * The node's end of the node link (wire/link.ts): calls, over a channel to one replica of control. When that is lost, the
 * next one is opened to whichever replica answers first, in turn.
 */
export class LinkClient implements Disposable {
  readonly #controls: readonly string[];
  readonly #obey: Obey;
  /** Which replica is dialled next. Nodes begin anywhere, so that they spread. */
  #next: number;
  #secureContext: SecureContext;
  readonly #deadlines: ChannelDeadlines;
  #channel: Channel | undefined;
  readonly #foundAt = new Map<string, string>();
  /** Everybody who comes while a channel is being opened waits for that one. */
  #opening: Promise<Channel> | undefined;
  readonly #lifetime = new AbortController();

  constructor({ controls, credentials, obey, deadlines = CHANNEL_DEADLINES }: LinkClientOptions) {
    this.#controls = controls;
    this.#obey = obey;
    this.#next = Math.floor(Math.random() * controls.length);
    this.#deadlines = deadlines;
    this.#secureContext = contextOf(credentials);
  }

  /**
   * Asks control and checks the shape of its answer. Throws a GatewayError: control's own where it said no,
   * `control_unreachable` where it said nothing in time or nothing that is of the link, or the one that `signal`
   * was aborted with.
   */
  async call<Answer>(
    call: LinkCall,
    body: unknown,
    isAnswer: IsAnswer<Answer>,
    { deadlineMs, signal, repeatable = false }: CallOptions,
  ): Promise<Answer> {
    // Each replica once, and the one that was lost once more, since it may have come back.
    const tries = repeatable ? this.#controls.length + 1 : 1;
    const said = await withDeadline(
      deadlineMs,
      signal,
      async (limited) => await this.#ask({ call, body, signal: limited }, tries),
    );
    if (!isAnswer(said)) throw unreachable(new Error(`control's answer to ${call} is not of the link`));
    return said;
  }

  /** Resolves when there is a channel, so that the time of a call is that of its way there and back. Throws as `call`. */
  async connect({ deadlineMs, signal }: CallOptions): Promise<void> {
    await withDeadline(deadlineMs, signal, async (limited) => await this.#connected(limited));
  }

  /**
   * Shows these to control from now on: on a channel of its own, once that is open. What was asked on the one before is
   * answered there. Throws as `call`, and nothing has changed then.
   */
  async replaceCredentials(credentials: LinkCredentials, { deadlineMs, signal }: CallOptions): Promise<void> {
    const secureContext = contextOf(credentials);
    const opening = this.#openFirst(this.#controls.length, secureContext);
    const opened = await withDeadline(
      deadlineMs,
      signal,
      async (limited) => await orAborted(opening, limited),
    ).catch((error: unknown) => {
      opening.then((late) => late.retire()).catch(() => {});
      throw error;
    });
    this.#secureContext = secureContext;
    this.#channel?.retire();
    this.#channel = opened;
  }

  /** This node's own address on the way to control, while there is a channel. */
  get localAddress(): string | undefined {
    return this.#channel?.localAddress;
  }

  /** Where each control was found last that was found. */
  get remoteAddresses(): readonly string[] {
    return [...this.#foundAt.values()];
  }

  async #connected(signal: AbortSignal): Promise<Channel> {
    if (this.#channel?.isOpen === true) return this.#channel;
    this.#opening ??= this.#openAnew();
    return await orAborted(this.#opening, signal);
  }

  async #ask({ call, body, signal }: Asking, tries: number): Promise<unknown> {
    const channel = await this.#connected(signal);
    try {
      return await channel.ask(call, body, signal);
    } catch (error) {
      const { code } = toGatewayError(error);
      const isLost = code === "control_unreachable" && !channel.isOpen;
      // This replica can do nothing, though it is there; another one may still reach the database.
      const isCutOff = code === "database_unavailable" && this.#controls.length > 1;
      if (isCutOff) this.#leave(channel);
      if (!(isLost || isCutOff) || tries <= 1 || signal.aborted) throw error;
      return await this.#ask({ call, body, signal }, tries - 1);
    }
  }

  #leave(channel: Channel): void {
    channel.retire();
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    this.#next += 1;
  }

  async #openAnew(): Promise<Channel> {
    // A replica that was lost is asked last: it may stand still, and cost the whole deadline of a dial.
    if (this.#channel !== undefined) this.#next += 1;
    try {
      this.#channel = await this.#openCurrent();
      return this.#channel;
    } finally {
      this.#opening = undefined;
    }
  }

  /** With the credentials that are the node's in the end: others may come meanwhile, with a channel of their own. */
  async #openCurrent(): Promise<Channel> {
    const secureContext = this.#secureContext;
    const isOld = () => secureContext !== this.#secureContext;
    const opened = await this.#openFirst(this.#controls.length, secureContext).catch((error: unknown) => {
      // Whatever became of it, it is not about the credentials that count.
      if (!isOld() || this.#lifetime.signal.aborted) throw error;
      return undefined;
    });
    if (opened !== undefined && !isOld()) return opened;
    opened?.retire();
    return this.#channel?.isOpen === true ? this.#channel : await this.#openCurrent();
  }

  /** Goes on to the next replica where one cannot be reached or is without its database; what else one refuses, all do. */
  async #openFirst(tries: number, secureContext: SecureContext): Promise<Channel> {
    const control = this.#controls[this.#next % this.#controls.length] ?? "";
    try {
      const channel = await Channel.open(control, {
        secureContext,
        obey: this.#obey,
        deadlines: this.#deadlines,
        lifetime: this.#lifetime.signal,
      });
      if (channel.remoteAddress !== undefined) this.#foundAt.set(control, channel.remoteAddress);
      return channel;
    } catch (error) {
      this.#next += 1;
      const { code } = toGatewayError(error);
      const isGone = code === "control_unreachable" || code === "database_unavailable";
      if (!isGone || tries <= 1 || this.#lifetime.signal.aborted) throw error;
      return await this.#openFirst(tries - 1, secureContext);
    }
  }

  [Symbol.dispose](): void {
    this.#lifetime.abort();
  }
}

interface Asking {
  readonly call: LinkCall;
  readonly body: unknown;
  readonly signal: AbortSignal;
}

function contextOf({ authority, certificate, privateKey }: LinkCredentials): SecureContext {
  return createSecureContext({ ca: authority, cert: certificate, key: privateKey, minVersion: "TLSv1.3" });
}

/** The channel goes on being opened, for whoever comes next. */
async function orAborted(connecting: Promise<Channel>, signal: AbortSignal): Promise<Channel> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(abortion(signal));
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([connecting, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
