import { ERROR_CODES, ERRORS, type ErrorCode } from "#wire/errors.ts";
import { printable } from "#wire/gateway-error.ts";
import type { Rights } from "#wire/rights.ts";
import type { Ending, NodeMessage, Notice, Stage } from "#wire/viewer.ts";
import { Acknowledgements } from "./acknowledgements.ts";
import { type Pass, subprotocols, webSocketUrl } from "./addresses.ts";
import { ConsoleChannel } from "./channel.ts";
import { type Health, Pulse, pulseLimits } from "./pulse.ts";
import { Screen, type ScreenListener } from "./screen.ts";

export type Attached = NodeMessage & { readonly type: "attached" };

export interface ConnectionEnd {
  readonly ending: Ending;
  /** Lets the console be opened again, where the node gave it with the ending. */
  readonly reopen: string | undefined;
  /** False where no WebSocket came about, so that nothing has seen the ticket. */
  readonly opened: boolean;
  readonly lastFrame: HTMLCanvasElement | undefined;
}

export interface ConnectionListener extends Omit<ScreenListener, "failed"> {
  progressed(stage: Stage): void;
  attached(message: Attached): void;
  /** The screen exists and can be set up; its picture comes later. */
  screened(screen: Screen): void;
  health(health: Health): void;
  /** What is going to happen to the console. */
  noticed(notice: Notice): void;
  /** Once, and the last thing that is said. */
  ended(end: ConnectionEnd): void;
}

const limits = {
  /** A network that swallows packets would let the browser wait for minutes. */
  openMs: 20_000,
  probeMs: 5_000,
} as const;

/** One way to one console, from the WebSocket's opening to its one ending. */
export class Connection {
  readonly #page: URL;
  readonly #host: HTMLElement;
  readonly #listener: ConnectionListener;
  readonly #channel: ConsoleChannel;
  readonly #acknowledgements = new Acknowledgements((bytes) => this.#channel.tell({ type: "ack", bytes }));
  readonly #pulse = new Pulse();
  readonly #timers = new AbortController();
  /** Loaded beside the connection's set-up, so that it is there when the first bytes come. */
  readonly #novnc = import("@novnc/novnc").catch(() => undefined);
  #screen: Screen | undefined;
  /** Known once the console is attached. */
  #rights: Rights | undefined;
  #opened = false;
  #ended = false;
  #catchingUp = false;

  constructor(
    page: URL,
    pass: Pass,
    { host, listener }: { host: HTMLElement; listener: ConnectionListener },
  ) {
    this.#page = page;
    this.#host = host;
    this.#listener = listener;
    this.#channel = new ConsoleChannel(new WebSocket(webSocketUrl(page), subprotocols(pass)), {
      opened: () => {
        this.#opened = true;
        void this.#show();
      },
      told: (message) => this.#told(message),
      delivered: (bytes) => {
        // What was said before the console was attached is not of its stream.
        if (this.#rights !== undefined) this.#acknowledgements.delivered(bytes);
        this.#settle();
      },
      failed: () => this.#end({ kind: "failed", code: "upstream_protocol_error" }),
      closed: (code) => void this.#closed(code),
    });
    const deadline = setTimeout(() => this.#openTimedOut(), limits.openMs);
    this.#timers.signal.addEventListener("abort", () => clearTimeout(deadline));
  }

  /** The person at the viewer ends it. */
  close(): void {
    this.#end({ kind: "closed", code: "viewer_closed" });
  }

  #told(message: NodeMessage): void {
    if (this.#ended) return;
    switch (message.type) {
      case "progress":
        this.#listener.progressed(message.stage);
        return;
      case "attached":
        this.#rights = message.rights;
        this.#screen?.permit(message.rights);
        this.#listener.attached(message);
        this.#startPulse();
        return;
      case "ending":
        this.#end(message.ending, message.reopen);
        return;
      case "notice":
        this.#listener.noticed(message);
        return;
      case "pong":
        this.#pulse.pong(message.id, performance.now());
        this.#listener.health(this.#pulse.health(performance.now()));
        return;
      default:
        message satisfies never;
    }
  }

  /** At once: the node and the screen agree on how they talk before the node says that the console is attached. */
  async #show(): Promise<void> {
    const novnc = await this.#novnc;
    if (this.#ended) return;
    if (novnc === undefined) {
      this.#end({ kind: "failed", code: "viewer_incomplete" });
      return;
    }
    const listener: ScreenListener = {
      pictured: () => this.#listener.pictured(),
      clipboard: (text) => this.#listener.clipboard(text),
      named: (name) => this.#listener.named(name),
      power: (can) => this.#listener.power(can),
      clipping: (on) => this.#listener.clipping(on),
      failed: (reason) => this.#screenFailed(reason),
    };
    this.#screen = new Screen(novnc.default, this.#host, { channel: this.#channel, listener });
    if (this.#rights !== undefined) this.#screen.permit(this.#rights);
    this.#listener.screened(this.#screen);
  }

  /** Acknowledges what was read, now and each time that noVNC has caught up with what it held back. */
  #settle(): void {
    const backlog = this.#screen?.backlog();
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

  #screenFailed(reason: string | undefined): void {
    // Until then a failure is the node's refusal, said to the screen as well: the ending that follows knows more.
    if (this.#rights === undefined) return;
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
    const lastFrame = this.#screen?.lastFrame();
    this.#stop();
    this.#listener.ended({ ending, reopen, opened: this.#opened, lastFrame });
  }

  #stop(): void {
    this.#timers.abort();
    this.#screen?.close();
    this.#channel.hangUp();
  }
}

/** The catalogue's error of a close code, for an ending whose words were lost on the way. */
function codeOfClose(close: number): ErrorCode | undefined {
  return ERROR_CODES.find((code) => ERRORS[code].close === close);
}
