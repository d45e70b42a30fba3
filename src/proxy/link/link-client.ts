import { createSecureContext, type SecureContext } from "node:tls";
import type { LinkCall } from "#wire/link.ts";
import { withDeadline } from "../deadline.ts";
import type { IsAnswer } from "./answers.ts";
import { CHANNEL_DEADLINES, Channel, type ChannelDeadlines } from "./channel.ts";
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
}

/** The node's end of the node link (wire/link.ts): calls, over a channel that is opened anew when it was lost. */
export class LinkClient implements Disposable {
  readonly #control: string;
  readonly #secureContext: SecureContext;
  readonly #deadlines: ChannelDeadlines;
  #channel: Channel | undefined;
  /** Everybody who comes while a channel is being opened waits for that one. */
  #opening: Promise<Channel> | undefined;
  readonly #lifetime = new AbortController();

  /** `control` is the origin of its link. */
  constructor(
    control: string,
    { authority, certificate, privateKey }: LinkCredentials,
    deadlines: ChannelDeadlines = CHANNEL_DEADLINES,
  ) {
    this.#control = control;
    this.#deadlines = deadlines;
    this.#secureContext = createSecureContext({
      ca: authority,
      cert: certificate,
      key: privateKey,
      minVersion: "TLSv1.3",
    });
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
    { deadlineMs, signal }: CallOptions,
  ): Promise<Answer> {
    const said = await withDeadline(deadlineMs, signal, async (limited) => {
      const channel = await this.#connected(limited);
      return await channel.ask(call, body, limited);
    });
    if (!isAnswer(said)) throw unreachable(new Error(`control's answer to ${call} is not of the link`));
    return said;
  }

  /** Resolves when there is a channel, so that the time of a call is that of its way there and back. Throws as `call`. */
  async connect({ deadlineMs, signal }: CallOptions): Promise<void> {
    await withDeadline(deadlineMs, signal, async (limited) => await this.#connected(limited));
  }

  /** This node's own address on the way to control, while there is a channel. */
  get localAddress(): string | undefined {
    return this.#channel?.localAddress;
  }

  async #connected(signal: AbortSignal): Promise<Channel> {
    if (this.#channel?.isOpen === true) return this.#channel;
    this.#opening ??= this.#openAnew();
    return await orAborted(this.#opening, signal);
  }

  async #openAnew(): Promise<Channel> {
    try {
      const channel = await Channel.open(this.#control, {
        secureContext: this.#secureContext,
        deadlines: this.#deadlines,
        lifetime: this.#lifetime.signal,
      });
      this.#channel = channel;
      return channel;
    } finally {
      this.#opening = undefined;
    }
  }

  [Symbol.dispose](): void {
    this.#lifetime.abort();
  }
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
