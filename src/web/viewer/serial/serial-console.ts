import { batch, computed, effect, signal, untracked } from "@preact/signals";
import type { SerialViewerMessage } from "#wire/serial.ts";
import { DEFAULT_SIZE, type SerialAttached, serialLimits } from "#wire/serial.ts";
import type { AmongBytes, ConsoleChannel } from "../channel.ts";
import { ConsoleSession } from "../console-session.ts";
import type { ShowSurface, SurfaceListener } from "../surface.ts";
import type { TabMemory } from "../tab-memory.ts";
import { type Line, type Part, partOf } from "./line.ts";
import { type CleanText, cleanText, type PaceName, pasteLimits } from "./paste.ts";
import { SerialInput } from "./serial-input.ts";
import { TerminalScreen, type TerminalSize } from "./terminal-screen.ts";
import { fontLimits, type TerminalSettings } from "./terminal-settings.ts";

const limits = {
  /** A line that says nothing for so long is likely to say nothing before somebody presses a key. */
  silentMs: 3_000,
} as const;

/** Somebody else would write. */
export interface Asked {
  readonly viewer: number;
  /** When it is handed over if nothing is answered, in milliseconds since 1970. */
  readonly at: number | undefined;
}

/** What became of this page's own question. */
export type Asking = "waiting" | "refused" | "forbidden";

interface SerialOptions {
  readonly host: HTMLElement;
  readonly memory: TabMemory;
  readonly settings: TerminalSettings;
}

/** A serial console, and what it has beside what every console has. */
export class SerialConsole {
  readonly session: ConsoleSession<TerminalScreen>;
  readonly settings: TerminalSettings;
  readonly input = new SerialInput();
  /** The last terminal there was: it stays when its console is over. */
  readonly screen = signal<TerminalScreen | undefined>(undefined);
  readonly takes = signal<SerialAttached>({ takesBreak: false, takesSize: false });
  readonly line = signal<Line | undefined>(undefined);
  readonly part = computed((): Part | undefined => {
    const line = this.line.value;
    return line === undefined ? undefined : partOf(line);
  });
  readonly asked = signal<Asked | undefined>(undefined);
  readonly asking = signal<Asking | undefined>(undefined);
  /** Something was typed that went nowhere, because another one writes. */
  readonly typedInVain = signal(false);
  /** Output was left out, since this page or its way takes less than the line gives. */
  readonly missed = signal(false);
  /** Nothing has come from the line since the console was opened, and nothing was typed. */
  readonly isSilent = signal(false);
  readonly title = signal("");
  readonly size = signal<TerminalSize>({ columns: DEFAULT_SIZE.columns, rows: DEFAULT_SIZE.rows });
  readonly copiedText = signal<string | undefined>(undefined);
  /** A text that somebody is asked about before it is sent. */
  readonly toConfirm = signal<CleanText | undefined>(undefined);
  /** A link that somebody is asked about before it is followed. */
  readonly link = signal<string | undefined>(undefined);
  /** As it is shown now, in CSS pixels. */
  readonly font = signal<number>(fontLimits.usual);
  readonly #host: HTMLElement;
  #channel: ConsoleChannel | undefined;
  #toldSize: TerminalSize | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(page: URL, { host, memory, settings }: SerialOptions) {
    this.#host = host;
    this.settings = settings;
    this.session = new ConsoleSession(page, {
      kind: {
        acknowledgeEveryBytes: serialLimits.acknowledgeEveryBytes,
        load: async () => await this.#load(),
      },
      memory,
    });
    effect(() => {
      if (this.session.screen.value === undefined) untracked(() => this.#over());
    });
    effect(() => this.#fit());
  }

  /** Wants to write. Where nobody does, it does at once. */
  ask(): void {
    this.asking.value = "waiting";
    this.#tell({ type: "ask" });
  }

  withdraw(): void {
    this.asking.value = undefined;
    this.#tell({ type: "withdraw" });
  }

  /** Who watches knows by now why nothing comes of typing, or of asking. */
  dismiss(): void {
    this.typedInVain.value = false;
    if (this.asking.value !== "waiting") this.asking.value = undefined;
  }

  /** Without `to`, nobody writes from now on. */
  handOver(to?: number): void {
    this.asked.value = undefined;
    this.input.stop();
    this.#tell({ type: "hand-over", ...(to === undefined ? {} : { to }) });
  }

  refuse(): void {
    this.asked.value = undefined;
    this.#tell({ type: "refuse" });
  }

  sendBreak(): void {
    if (this.part.value === "writes") this.#tell({ type: "break" });
  }

  /** As if it had been typed. */
  type(text: string): void {
    this.#broken();
    if (this.part.value === "writes") this.input.send(text);
    else this.#inVain();
  }

  /** Sends a text, or has it asked about first. */
  pasteOrAsk(raw: string): void {
    const clean = cleanText(raw.slice(0, pasteLimits.characters));
    if (clean.text === "") return;
    if (this.part.value !== "writes") this.#inVain();
    else if (clean.lines >= pasteLimits.askFromLines || raw.length > pasteLimits.characters)
      this.toConfirm.value = clean;
    else void this.paste(clean, "normal");
  }

  async paste(text: CleanText, pace: PaceName): Promise<number> {
    const bracketed = this.screen.value?.terminal.modes.bracketedPasteMode === true;
    return await this.input.paste(text, { pace, bracketed });
  }

  async #load(): Promise<ShowSurface<TerminalScreen>> {
    const [{ Terminal }, { FitAddon }] = await Promise.all([
      import("@xterm/xterm"),
      import("@xterm/addon-fit"),
    ]);
    return (channel, listener) => this.#show({ Terminal, FitAddon }, channel, listener);
  }

  #show(
    parts: ConstructorParameters<typeof TerminalScreen>[0],
    channel: ConsoleChannel,
    surfaceListener: SurfaceListener,
  ): TerminalScreen {
    this.screen.value?.dispose();
    this.#channel = channel;
    this.input.connect(channel);
    const screen = new TerminalScreen(parts, this.#host, {
      channel,
      listener: {
        ...surfaceListener,
        attached: ({ serial }) => {
          if (serial !== undefined) this.takes.value = serial;
          this.#listen();
        },
        heard: () => this.#broken(),
        told: (message) => this.#told(message),
        typed: (text) => this.type(text),
        answered: (text) => this.input.answer(text),
        pasted: (text) => this.pasteOrAsk(text),
        titled: (title) => {
          this.title.value = title;
        },
        copied: (text) => {
          if (this.settings.takesCopies.value) this.copiedText.value = text;
        },
        linked: (address) => {
          this.link.value = address;
        },
        resized: (size, { decides, font }) => {
          this.font.value = font;
          this.#resized(size, decides);
        },
      },
    });
    this.screen.value = screen;
    return screen;
  }

  #listen(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.isSilent.value = true;
    }, limits.silentMs);
  }

  /** The silence is. */
  #broken(): void {
    clearTimeout(this.#silence);
    this.isSilent.value = false;
  }

  #resized(size: TerminalSize, decides: boolean): void {
    if (!isSame(size, this.size.value)) this.size.value = size;
    if (!decides || isSame(size, this.#toldSize)) return;
    this.#toldSize = size;
    this.#tell({ type: "size", ...size });
  }

  #told(message: AmongBytes): void {
    switch (message.type) {
      case "line": {
        const { type: _, ...line } = message;
        this.#lined(line);
        return;
      }
      case "asked": {
        const { viewer, inMs } = message;
        const at = inMs === undefined ? undefined : Date.now() + inMs;
        this.asked.value = viewer === undefined ? undefined : { viewer, at };
        return;
      }
      case "answered":
        this.asking.value =
          message.answer === "refused" || message.answer === "forbidden" ? message.answer : undefined;
        return;
      case "restored":
        if (message.because === "behind") this.missed.value = true;
        return;
      case "size":
        return;
      default:
        message satisfies never;
    }
  }

  #lined(line: Line): void {
    const part = partOf(line);
    batch(() => {
      this.line.value = line;
      if (part === "writes") {
        this.asking.value = undefined;
        this.typedInVain.value = false;
      } else {
        this.#toldSize = undefined;
        this.asked.value = undefined;
        this.input.stop();
        this.toConfirm.value = undefined;
      }
    });
  }

  /** Where nobody writes, whoever types does: it is asked for on the way. */
  #inVain(): void {
    if (this.part.value === "unwritten" && this.asking.value === undefined) this.ask();
    this.typedInVain.value = true;
  }

  /** The terminal's size follows who writes, and what was chosen. */
  #fit(): void {
    const size = this.settings.size.value ?? (this.takes.value.takesSize ? "window" : "standard");
    const font = this.settings.font.value;
    this.screen.value?.fit({ size, font, decides: this.part.value === "writes" });
  }

  #over(): void {
    this.input.stop();
    this.#broken();
    this.#toldSize = undefined;
    batch(() => {
      this.line.value = undefined;
      this.asked.value = undefined;
      this.asking.value = undefined;
      this.typedInVain.value = false;
      this.missed.value = false;
      this.toConfirm.value = undefined;
      this.link.value = undefined;
    });
  }

  #tell(message: SerialViewerMessage): void {
    this.#channel?.tell(message);
  }
}

function isSame(one: TerminalSize, other: TerminalSize | undefined): boolean {
  return one.columns === other?.columns && one.rows === other.rows;
}
