import type { FitAddon } from "@xterm/addon-fit";
import type { Terminal } from "@xterm/xterm";
import { boundTerminal } from "#protocols/serial/terminal-bounds.ts";
import { TerminalText } from "#protocols/serial/terminal-text.ts";
import { writtenLines } from "#protocols/serial/written-lines.ts";
import { DEFAULT_SIZE, serialLimits } from "#wire/serial.ts";
import type { AmongBytes, ConsoleChannel } from "../channel.ts";
import type { Attached } from "../connection.ts";
import type { Surface, SurfaceListener } from "../surface.ts";
import { escapeLimits, guardEscapes, webAddress } from "./escapes.ts";
import { Intake } from "./intake.ts";
import { fontLimits, type Size } from "./terminal-settings.ts";
import { endLink, openLink, readNow } from "./xterm-internals.ts";

const terminalLimits = {
  /** What has scrolled off the screen and is kept in this page, with a bound on what the widest terminals cost. */
  scrollbackLines: 10_000,
  scrollbackCells: 1_600_000,
} as const;

/** In front of what is restored: RIS (ECMA-48 §8.3.105) resets a terminal, whatever it was in the middle of. */
const RESET = "\x1bc";
/** What a terminal says when it gets and loses the keyboard (xterm's mode 1004): nobody typed it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a report begins with one.
const FOCUS_REPORT = /^\x1b\[[IO]$/;

export interface TerminalParts {
  readonly Terminal: typeof Terminal;
  readonly FitAddon: typeof FitAddon;
}

export interface TerminalListener extends SurfaceListener {
  attached(message: Attached): void;
  told(message: AmongBytes): void;
  /** Something came from the line. */
  heard(): void;
  /** Somebody typed, or used a mouse that the machine asked for. */
  typed(text: string): void;
  /** The terminal answers a question that stood in what it read. */
  answered(text: string): void;
  /** Somebody pasted into it, by the browser's own way. */
  pasted(text: string): void;
  titled(title: string): void;
  copied(text: string): void;
  /** Somebody pressed on a link, which leads there. */
  linked(address: string): void;
  /** It has this size, as one that decides about that or not, and a font of so many CSS pixels. */
  resized(size: TerminalSize, shown: { readonly decides: boolean; readonly font: number }): void;
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** How large it is to be. */
export interface Fitting {
  readonly size: Size;
  readonly font: number | undefined;
  /** Whoever writes decides about the size; whoever watches sees what that one has. */
  readonly decides: boolean;
}

/** The terminal of a serial console: xterm.js inside an element of the page. It stays there when the console is over. */
export class TerminalScreen implements Surface {
  readonly terminal: Terminal;
  readonly #host: HTMLElement;
  readonly #fit: FitAddon;
  readonly #listener: TerminalListener;
  readonly #intake: Intake;
  readonly #watching: ResizeObserver;
  readonly #closing = new AbortController();
  #fitting: Fitting = { size: "standard", font: undefined, decides: false };
  /** As the node told it last. */
  #lineSize: TerminalSize = DEFAULT_SIZE;
  #text = new TerminalText();
  #reading = false;
  /** What the terminal answers to what is being read. */
  #answer = "";
  /** Read since a link began that has not ended. */
  #linkedCharacters = 0;
  /** Bytes that are still to come of a screen that is restored: questions in it were asked long ago. */
  #restoring = 0;
  #writes = false;
  /** Whether questions in what is read now are this terminal's to answer. */
  #answers = false;
  #done = false;

  constructor(
    parts: TerminalParts,
    host: HTMLElement,
    { channel, listener }: { channel: ConsoleChannel; listener: TerminalListener },
  ) {
    this.#host = host;
    this.#listener = listener;
    this.terminal = new parts.Terminal({
      // What is found is marked by a part of its interface that is called proposed.
      allowProposedApi: true,
      altClickMovesCursor: false,
      cols: DEFAULT_SIZE.columns,
      rows: DEFAULT_SIZE.rows,
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--font-mono"),
      linkHandler: {
        activate: (_event, text) => {
          const address = webAddress(text);
          if (address !== undefined) listener.linked(address);
        },
      },
      logLevel: "off",
      minimumContrastRatio: 4.5,
      scrollback: terminalLimits.scrollbackLines,
    });
    this.#fit = new parts.FitAddon();
    this.terminal.loadAddon(this.#fit);
    host.replaceChildren();
    this.terminal.open(host);
    this.#intake = new Intake({ read: (bytes) => this.#read(bytes) });
    this.#watching = new ResizeObserver(() => this.#fitNow());
    this.#watching.observe(host);
    this.#listen();
    guardEscapes(this.terminal, listener);
    boundTerminal(this.terminal, escapeLimits);
    channel.ontold = (message) => this.#told(message);
    channel.onmessage = ({ data }) => {
      listener.heard();
      this.#intake.take(new Uint8Array(data));
    };
  }

  attached(message: Attached): void {
    this.#listener.attached(message);
    // A line may be silent for hours, and is there all the same.
    this.#listener.pictured();
  }

  backlog(): { readonly bytes: number; readonly read: Promise<void> } | undefined {
    const { bytes } = this.#intake;
    return bytes === 0 ? undefined : { bytes, read: this.#intake.progress() };
  }

  lastFrame(): undefined {
    // The terminal itself stays: what it shows can still be read, searched, copied and saved.
  }

  /** All that is known of what was to be seen. */
  text(): string {
    const { normal, alternate, active } = this.terminal.buffer;
    const buffers = active.type === "alternate" ? [normal, alternate] : [normal];
    return buffers.flatMap((buffer) => writtenLines(buffer).map((line) => `${line}\n`)).join("");
  }

  get size(): TerminalSize {
    return { columns: this.terminal.cols, rows: this.terminal.rows };
  }

  fit(fitting: Fitting): void {
    this.#fitting = fitting;
    this.#intake.step(() => this.#fitNow());
  }

  label(name: string): void {
    this.terminal.textarea?.setAttribute("aria-label", name);
  }

  focus(): void {
    this.terminal.focus();
  }

  releaseKeys(): void {
    // A serial line knows no keys, only what they write.
  }

  close(): void {
    if (this.#done) return;
    this.#done = true;
    this.#closing.abort();
    this.terminal.options.disableStdin = true;
    this.terminal.options.cursorBlink = false;
    this.terminal.blur();
  }

  /** Takes it off the page: another one has its place. */
  dispose(): void {
    this.close();
    this.#watching.disconnect();
    this.terminal.dispose();
  }

  #listen(): void {
    const { terminal } = this;
    terminal.onData((text) => {
      if (!this.#reading) this.#typed(text);
      else if (this.#answers && this.#restoring === 0) this.#answer += text;
    });
    // Reports of a mouse, of before UTF-8.
    terminal.onBinary((text) => this.#listener.typed(text));
    this.#host.addEventListener(
      "paste",
      (event) => {
        event.preventDefault();
        event.stopPropagation();
        this.#listener.pasted(event.clipboardData?.getData("text/plain") ?? "");
      },
      { capture: true, signal: this.#closing.signal },
    );
  }

  #typed(text: string): void {
    if (!FOCUS_REPORT.test(text)) this.#listener.typed(text);
    else if (this.#writes) this.#listener.answered(text);
  }

  #told(message: AmongBytes): void {
    switch (message.type) {
      case "size":
        this.#intake.step(() => {
          this.#lineSize = { columns: message.columns, rows: message.rows };
          if (!this.#fitting.decides) this.#fitNow();
        });
        return;
      case "restored":
        this.#intake.step(() => this.#restore(message.bytes));
        break;
      case "line":
        this.#lined(message.writer === message.you);
        break;
      case "asked":
      case "answered":
        break;
      default:
        message satisfies never;
    }
    this.#listener.told(message);
  }

  /** What came before this one began to write, somebody else has answered. */
  #lined(writes: boolean): void {
    this.#writes = writes;
    if (!writes) this.#answers = false;
    else
      this.#intake.step(() => {
        this.#answers = this.#writes;
      });
  }

  #restore(bytes: number): void {
    this.#text = new TerminalText();
    readNow(this.terminal, RESET);
    this.#resize(this.#lineSize);
    this.#restoring = bytes;
    if (bytes === 0) this.#fitNow();
  }

  #read(bytes: Uint8Array): void {
    if (this.#restoring === 0) {
      this.#readAs(bytes);
      return;
    }
    const old = bytes.subarray(0, this.#restoring);
    this.#readAs(old);
    this.#restoring -= old.byteLength;
    if (this.#restoring > 0) return;
    this.#fitNow();
    if (old.byteLength < bytes.byteLength) this.#readAs(bytes.subarray(old.byteLength));
  }

  #readAs(bytes: Uint8Array): void {
    const text = this.#text.decode(bytes);
    const link = openLink(this.terminal);
    this.#reading = true;
    try {
      readNow(this.terminal, text);
    } finally {
      this.#reading = false;
    }
    this.#boundLink(link, text.length);
    const answer = this.#answer;
    this.#answer = "";
    if (answer !== "") this.#listener.answered(answer);
  }

  #boundLink(before: number, characters: number): void {
    const link = openLink(this.terminal);
    this.#linkedCharacters = link !== 0 && link === before ? this.#linkedCharacters + characters : 0;
    if (this.#linkedCharacters > escapeLimits.linkedCharacters) endLink(this.terminal);
  }

  #fitNow(): void {
    // What is restored is drawn for the size that it was drawn at.
    if (this.#restoring > 0 || this.#host.clientWidth === 0) return;
    const { decides, size, font } = this.#fitting;
    if (decides && size === "window") {
      this.#setFont(font ?? fontLimits.usual);
      this.#fillHost();
    } else {
      const wanted = decides ? DEFAULT_SIZE : this.#lineSize;
      this.#resize(wanted);
      this.#setFont(font ?? this.#fittingFont(wanted));
    }
    this.#listener.resized(this.size, { decides, font: this.terminal.options.fontSize ?? fontLimits.usual });
  }

  #fillHost(): void {
    const room = this.#fit.proposeDimensions();
    if (room === undefined) return;
    this.#resize({
      columns: Math.min(Math.max(room.cols, 2), serialLimits.columns),
      rows: Math.min(Math.max(room.rows, 1), serialLimits.rows),
    });
  }

  #resize({ columns, rows }: TerminalSize): void {
    const { scrollbackLines, scrollbackCells } = terminalLimits;
    this.terminal.options.scrollback = Math.min(scrollbackLines, Math.floor(scrollbackCells / columns));
    this.terminal.resize(columns, rows);
  }

  /** The largest with which so many columns and rows are to be seen at once. */
  #fittingFont({ columns, rows }: TerminalSize): number {
    const { smallestFitting, largestFitting } = fontLimits;
    for (let font: number = largestFitting; font > smallestFitting; font--) {
      this.#setFont(font);
      const room = this.#fit.proposeDimensions();
      if (room !== undefined && room.cols >= columns && room.rows >= rows) return font;
    }
    return smallestFitting;
  }

  #setFont(font: number): void {
    if (this.terminal.options.fontSize !== font) this.terminal.options.fontSize = font;
  }
}
