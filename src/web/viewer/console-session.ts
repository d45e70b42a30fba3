import { batch, signal } from "@preact/signals";
import type { ErrorCode } from "#wire/errors.ts";
import { printable } from "#wire/gateway-error.ts";
import type { PowerAction } from "#wire/power-action.ts";
import type { Rights } from "#wire/rights.ts";
import type { Ending, Powered, Stage } from "#wire/viewer.ts";
import { entranceUrl, type Pass, passOf, reopenOf } from "./addresses.ts";
import { type Attached, Connection, type ConnectionEnd, type ConnectionListener } from "./connection.ts";
import type { Health } from "./pulse.ts";
import { reopen } from "./reopen.ts";
import type { Surface, SurfaceKind } from "./surface.ts";
import { type TabMemory, type TabRecord, ticketTail } from "./tab-memory.ts";

/** How far the way to the picture has come; each is one sentence on the page. */
export type Step = "reaching" | Stage | "picture";

export type Phase =
  | { readonly kind: "connecting"; readonly step: Step }
  | { readonly kind: "live" }
  | { readonly kind: "ended"; readonly ending: Ending };

/** How the console can be opened again: with the ticket that nobody saw, or by the node's leave. */
type WayBack =
  | { readonly kind: "pass"; readonly pass: Pass }
  | { readonly kind: "credential"; readonly credential: string };

/** Said to whoever comes to a node that leaves: another one is ready to take the console, and nothing was lost by it. */
const TURNED_AWAY: ReadonlySet<ErrorCode> = new Set(["node_draining", "node_restarting", "node_stopping"]);

const limits = {
  /** Nodes that may turn a console away one after the other, and places that its machine may have left, before somebody is asked. */
  turns: 3,
} as const;

/** Refusals that pass. If they name no session, the ticket was not even opened, and can be shown again. */
const TICKET_STILL_GOOD: ReadonlySet<ErrorCode> = new Set(["control_unreachable", "node_full"]);

interface SessionOptions<Shown extends Surface> {
  readonly kind: SurfaceKind<Shown>;
  readonly memory: TabMemory;
  /** Called while the machine can still hear it: nothing is to stay held down. */
  readonly letGo?: () => void;
}

/** The console on this page: its states, and what can be done to it. Everything that is shown is a signal. */
export class ConsoleSession<Shown extends Surface = Surface> {
  readonly phase = signal<Phase>({ kind: "connecting", step: "reaching" });
  readonly machine = signal<string | undefined>(undefined);
  readonly sessionId = signal<string | undefined>(undefined);
  readonly rights = signal<Rights | undefined>(undefined);
  readonly health = signal<Health>({ word: "unknown" });
  /** Whether the machine's hypervisor can be asked by way of control, which knows more than the console's own protocol. */
  readonly takesOrders = signal(false);
  /** What is going to happen to the console, and when, as milliseconds since 1970. */
  readonly notice = signal<{ readonly code: ErrorCode; readonly at: number | undefined } | undefined>(
    undefined,
  );
  /** What the console looks to have ended with, while the machine's hypervisor is asked why. */
  readonly closing = signal<ErrorCode | undefined>(undefined);
  readonly lastFrame = signal<HTMLElement | undefined>(undefined);
  readonly canOpenAgain = signal(false);
  readonly screen = signal<Shown | undefined>(undefined);
  readonly #kind: SurfaceKind<Shown>;
  readonly #memory: TabMemory;
  readonly #letGo: () => void;
  #page: URL;
  #pass: Pass | undefined;
  /** Once known, it goes with every later ticket of this console too. */
  #extra: string | undefined;
  #wayBack: WayBack | undefined;
  #connection: Connection<Shown> | undefined;
  /** Page origins of other nodes, as of the last time that a console was attached. */
  #entrances: readonly string[] = [];
  #turns = 0;

  constructor(page: URL, { kind, memory, letGo = () => {} }: SessionOptions<Shown>) {
    this.#page = page;
    this.#kind = kind;
    this.#memory = memory;
    this.#letGo = letGo;
  }

  /** Begins with what the page's address carried; without a ticket it says what to do. */
  start(fragment: URLSearchParams): void {
    const record = this.#memory.read();
    const credential = reopenOf(fragment);
    if (credential !== undefined) {
      // From the page on a node that does not answer any more.
      this.#wayBack = { kind: "credential", credential };
      this.#end({ kind: "failed", code: "node_lost" });
      void this.openAgain();
      return;
    }
    const pass = passOf(fragment);
    if (pass !== undefined) {
      // The same link again, out of the browser's history: the node will say that it is used, and here is the way on.
      if (record?.ticketTail === ticketTail(pass)) this.#recall(record);
      this.#connect(pass);
      return;
    }
    if (record !== undefined) this.#recall(record);
    this.#end({ kind: "refused", code: record === undefined ? "ticket_missing" : "ticket_used" });
  }

  /** The one button of an ending. */
  async openAgain(): Promise<void> {
    const wayBack = this.#wayBack;
    if (wayBack === undefined || this.phase.value.kind !== "ended") return;
    this.phase.value = { kind: "connecting", step: "reaching" };
    if (wayBack.kind === "pass") {
      this.#connect(wayBack.pass);
      return;
    }
    const reopened = await reopen(this.#page, wayBack.credential);
    switch (reopened.kind) {
      case "here":
        this.#wayBack = undefined;
        this.#moveTo(reopened.page);
        this.#connect(reopened.pass);
        return;
      case "elsewhere":
        location.assign(reopened.url);
        return;
      case "unreachable": {
        const entrance = this.#entrances[Math.floor(Math.random() * this.#entrances.length)];
        if (entrance !== undefined) location.assign(entranceUrl(entrance, this.#page, wayBack.credential));
        this.#end({ kind: "failed", code: "node_unreachable" });
        return;
      }
      case "refused":
        if (reopened.ending.code === "reopen_invalid") this.#wayBack = undefined;
        this.#end(reopened.ending);
        return;
      default:
        reopened satisfies never;
    }
  }

  /** The person at the viewer ends it. */
  end(): void {
    this.#letGo();
    this.#connection?.close();
  }

  /** See `Connection.order`. */
  async order(action: PowerAction): Promise<Powered | undefined> {
    return await this.#connection?.order(action);
  }

  /** Before the node ends it: the same console, by another node. */
  async moveNow(): Promise<void> {
    this.end();
    await this.openAgain();
  }

  /** The page goes away. The machine must not be left with keys held down. */
  leave(): void {
    this.#letGo();
  }

  #connect({ ticket, extra = this.#extra }: Pass): void {
    const pass = { ticket, ...(extra === undefined ? {} : { extra }) };
    this.#pass = pass;
    this.#extra = extra;
    // A link out of the history keeps what the tab knows of it; a new one begins anew.
    if (this.#memory.read()?.ticketTail !== ticketTail(pass)) this.#remember({});
    this.sessionId.value = undefined;
    this.phase.value = { kind: "connecting", step: "reaching" };
    this.#connection = new Connection(this.#page, pass, { kind: this.#kind, listener: this.#listener() });
  }

  #listener(): ConnectionListener<Shown> {
    return {
      progressed: (step, machine) =>
        batch(() => {
          if (machine !== undefined) this.machine.value = printable(machine);
          this.#progress(step);
        }),
      attached: (message) => this.#attached(message),
      surfaced: (surface) => {
        this.screen.value = surface;
      },
      pictured: () => {
        this.phase.value = { kind: "live" };
        this.lastFrame.value = undefined;
      },
      health: (health) => {
        this.health.value = health;
      },
      noticed: ({ code, inMs }) => {
        const at = inMs === undefined ? undefined : Date.now() + inMs;
        this.notice.value = code === undefined ? undefined : { code, at };
      },
      closing: (code) => {
        batch(() => {
          this.notice.value = undefined;
          this.closing.value = code;
        });
      },
      ended: (end) => this.#ended(end),
    };
  }

  #progress(step: Step): void {
    if (this.phase.value.kind === "connecting") this.phase.value = { kind: "connecting", step };
  }

  #attached({ machine, rights, sessionId, reopen: credential, entrances, takesOrders }: Attached): void {
    this.#entrances = entrances;
    this.#turns = 0;
    batch(() => {
      this.machine.value = printable(machine.name);
      this.rights.value = rights;
      this.takesOrders.value = takesOrders === true;
      this.sessionId.value = sessionId;
      this.#progress("picture");
    });
    this.#mayReopen(credential);
  }

  #ended({ ending, reopen: credential, opened, lastFrame }: ConnectionEnd): void {
    if (credential !== undefined) this.#mayReopen(credential);
    const unspent = !opened || (TICKET_STILL_GOOD.has(ending.code) && ending.reference === undefined);
    if (unspent && this.#pass !== undefined) this.#wayBack = { kind: "pass", pass: this.#pass };
    if (lastFrame !== undefined) this.lastFrame.value = lastFrame;
    // What the viewer itself says has the session for a reference too, once there was one.
    const reference = ending.reference ?? this.sessionId.value;
    const wasAttached = this.sessionId.value !== undefined;
    this.#end(reference === undefined ? ending : { ...ending, reference });
    const hasMoved = wasAttached && ending.code === "machine_moved";
    const wasTurnedAway =
      !wasAttached && credential !== undefined && credential !== "" && TURNED_AWAY.has(ending.code);
    if (!hasMoved && !wasTurnedAway) return;
    this.#turns += 1;
    if (this.#turns <= limits.turns) void this.openAgain();
  }

  #end(ending: Ending): void {
    batch(() => {
      this.screen.value = undefined;
      this.takesOrders.value = false;
      this.health.value = { word: "unknown" };
      this.notice.value = undefined;
      this.closing.value = undefined;
      this.canOpenAgain.value = this.#wayBack !== undefined;
      this.phase.value = { kind: "ended", ending };
    });
  }

  #recall({ reopen: credential, machine, extra }: TabRecord): void {
    this.machine.value = machine;
    this.#extra = extra;
    if (credential !== undefined) this.#wayBack = { kind: "credential", credential };
  }

  /** Some consoles are not this installation's to give out again; then there is no leave. */
  #mayReopen(credential: string): void {
    if (credential === "") return;
    this.#wayBack = { kind: "credential", credential };
    this.#remember({ reopen: credential });
  }

  #remember(known: { readonly reopen?: string }): void {
    const pass = this.#pass;
    const machine = this.machine.value;
    if (pass === undefined) return;
    this.#memory.write({
      ticketTail: ticketTail(pass),
      ...(pass.extra === undefined ? {} : { extra: pass.extra }),
      ...(machine === undefined ? {} : { machine }),
      ...known,
    });
  }

  #moveTo(page: URL): void {
    this.#page = page;
    history.replaceState(null, "", page.pathname + page.search);
  }
}
