import { ERROR_CODES, ERRORS, type ErrorCode } from "#wire/errors.ts";
import { printable } from "#wire/gateway-error.ts";
import type { PowerAction } from "#wire/power-action.ts";
import type { Ending, NodeMessage, Notice, Powered, Stage } from "#wire/viewer.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { type Pass, subprotocols, webSocketUrl } from "./addresses.ts";
import { type AmongBytes, ConsoleChannel } from "./channel.ts";
import { type Health, Pulse, pulseLimits } from "./pulse.ts";
import type { ShowSurface, Surface, SurfaceKind } from "./surface.ts";

export type Attached = NodeMessage & { readonly type: "attached" };

export interface ConnectionEnd {
  readonly ending: Ending;
  /** Lets the console be opened again, where the node gave it with the ending. */
  readonly reopen: string | undefined;
  /** False where no WebSocket came about, so that nothing has seen the ticket. */
  readonly opened: boolean;
  readonly lastFrame: HTMLElement | undefined;
}

export interface ConnectionListener<Shown extends Surface> {
  progressed(stage: Stage, machine: string | undefined): void;
  attached(message: Attached): void;
  /** The surface exists and can be set up; what it shows comes later. */
  surfaced(surface: Shown): void;
  /** Something of the console is to be seen for the first time. */
  pictured(): void;
  health(health: Health): void;
  /** What is going to happen to the console. */
  noticed(notice: Notice): void;
  /** The machine has closed the console, and is being asked why: the end is near, and nothing is taken any more. */
  closing(code: ErrorCode): void;
  /** Once, and the last thing that is said. */
  ended(end: ConnectionEnd): void;
}

const limits = {
  /** A network that swallows packets would let the browser wait for minutes. */
  openMs: 20_000,
  probeMs: 5_000,
} as const;

/** One way to one console, from the WebSocket's opening to its one ending. */
export class Connection<Shown extends Surface> {
  readonly #page: URL;
  readonly #listener: ConnectionListener<Shown>;
  readonly #channel: ConsoleChannel;
  readonly #acknowledgements: Acknowledgements;
  readonly #pulse = new Pulse();
  readonly #timers = new AbortController();
  /** Loaded beside the connection's set-up, so that it is there when the first bytes come. */
  readonly #show: Promise<ShowSurface<Shown> | undefined>;
  #surface: Shown | undefined;
  #attached: Attached | undefined;
  #opened = false;
  #ended = false;
  #catchingUp = false;
  readonly #orders = new Map<number, (powered: Powered | undefined) => void>();
  #nextOrder = 0;

  constructor(
    page: URL,
    pass: Pass,
    { kind, listener }: { kind: SurfaceKind<Shown>; listener: ConnectionListener<Shown> },
  ) {
    this.#page = page;
    this.#listener = listener;
    this.#show = kind.load().catch(() => undefined);
    this.#acknowledgements = new Acknowledgements(kind.acknowledgeEveryBytes, (bytes) =>
      this.#channel.tell({ type: "ack", bytes }),
    );
    this.#channel = new ConsoleChannel(new WebSocket(webSocketUrl(page), subprotocols(pass)), {
      opened: () => {
        this.#opened = true;
        void this.#surfaceUp();
      },
      told: (message) => this.#told(message),
      delivered: (bytes) => {
        // What was said before the console was attached is not of its stream.
        if (this.#attached !== undefined) this.#acknowledgements.delivered(bytes);
        this.#settle();
      },
      failed: () => this.#end({ kind: "failed", code: "upstream_protocol_error" }),
      closed: (code) => void this.#closed(code),
    });
    const deadline = setTimeout(() => this.#openTimedOut(), limits.openMs);
    this.#timers.signal.addEventListener("abort", () => clearTimeout(deadline));
  }

  /** Resolves when the machine's hypervisor has taken it, or to why not; to nothing where the console is over before. */
  async order(action: PowerAction): Promise<Powered | undefined> {
    const id = this.#nextOrder++;
    const { promise, resolve } = Promise.withResolvers<Powered | undefined>();
    this.#orders.set(id, resolve);
    this.#channel.tell({ type: "power", id, action });
    return await promise;
  }

  /** The person at the viewer ends it. */
  close(): void {
    this.#end({ kind: "closed", code: "viewer_closed" });
  }

  #told(message: Exclude<NodeMessage, AmongBytes>): void {
    if (this.#ended) return;
    switch (message.type) {
      case "progress":
        this.#listener.progressed(message.stage, message.machine?.name);
        return;
      case "attached":
        this.#attached = message;
        this.#surface?.attached(message);
        this.#listener.attached(message);
        this.#startPulse();
        return;
      case "ending":
        this.#end(message.ending, message.reopen);
        return;
      case "notice":
        this.#listener.noticed(message);
        return;
      case "closing":
        this.#listener.closing(message.code);
        return;
      case "powered":
        this.#orders.get(message.id)?.(message);
        this.#orders.delete(message.id);
        return;
      case "pong":
        this.#pulse.pong(message.id, performance.now());
        this.#listener.health(this.#pulse.health(performance.now()));
        return;
      default:
        message satisfies never;
    }
  }

  /** At once: the node and noVNC agree on how they talk before the node says that the console is attached. */
  async #surfaceUp(): Promise<void> {
    const show = await this.#show;
    if (this.#ended) return;
    if (show === undefined) {
      this.#end({ kind: "failed", code: "viewer_incomplete" });
      return;
    }
    this.#surface = show(this.#channel, {
      pictured: () => this.#listener.pictured(),
      failed: (reason) => this.#surfaceFailed(reason),
    });
    if (this.#attached !== undefined) this.#surface.attached(this.#attached);
    this.#listener.surfaced(this.#surface);
  }

  /** Acknowledges what was read, now and each time that the surface has caught up with what it held back. */
  #settle(): void {
    const backlog = this.#surface?.backlog();
    this.#acknowledgements.settle(backlog?.bytes ?? 0);
    if (backlog === undefined || this.#catchingUp) return;
    this.#catchingUp = true;
    void backlog.read.then(() => {
      this.#catchingUp = false;
      if (!this.#ended) this.#settle();
    });
  }

  #startPulse(): void {
    const beat = () => {
      const now = performance.now();
      if (this.#pulse.isLost(now)) {
        this.#end({ kind: "failed", code: "viewer_lost" });
        return;
      }
      this.#channel.tell({ type: "ping", id: this.#pulse.ping(now) });
      this.#listener.health(this.#pulse.health(now));
    };
    // Not at once: while the page still sets itself up, it would measure itself.
    const first = setTimeout(beat, pulseLimits.firstPingMs);
    const timer = setInterval(beat, pulseLimits.pingEveryMs);
    this.#timers.signal.addEventListener("abort", () => {
      clearTimeout(first);
      clearInterval(timer);
    });
  }

  #surfaceFailed(reason: string | undefined): void {
    // Until then a failure is the node's refusal, said to the surface as well: the ending that follows knows more.
    if (this.#attached === undefined) return;
    const detail = printable(reason ?? "");
    this.#end({ kind: "failed", code: "upstream_protocol_error", ...(detail === "" ? {} : { detail }) });
  }

  async #closed(code: number): Promise<void> {
    if (this.#ended) return;
    this.#end({
      kind: "failed",
      code: this.#opened ? (codeOfClose(code) ?? "viewer_lost") : await this.#whyNotOpened(),
    });
  }

  #openTimedOut(): void {
    if (!this.#opened) this.#end({ kind: "failed", code: "node_unreachable" });
  }

  /** A page is not told why a WebSocket did not open. Whether the page itself is still there tells the two apart. */
  async #whyNotOpened(): Promise<ErrorCode> {
    try {
      await fetch(`${this.#page.pathname}${this.#page.search}`, {
        method: "HEAD",
        cache: "no-store",
        signal: AbortSignal.timeout(limits.probeMs),
      });
      return "websocket_blocked";
    } catch {
      return "node_unreachable";
    }
  }

  #end(ending: Ending, reopen?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    const lastFrame = this.#surface?.lastFrame();
    this.#stop();
    this.#listener.ended({ ending, reopen, opened: this.#opened, lastFrame });
  }

  #stop(): void {
    this.#timers.abort();
    for (const resolve of this.#orders.values()) resolve(undefined);
    this.#surface?.close();
    this.#channel.hangUp();
  }
}

/** The catalogue's error of a close code, for an ending whose words were lost on the way. */
function codeOfClose(close: number): ErrorCode | undefined {
  return ERROR_CODES.find((code) => ERRORS[code].close === close);
}
