import { SerializeAddon } from "@xterm/addon-serialize";
import headless from "@xterm/headless";
import { boundTerminal } from "#protocols/serial/terminal-bounds.ts";
import { TerminalText } from "#protocols/serial/terminal-text.ts";
import { Unfinished } from "#protocols/serial/unfinished.ts";
import { writtenLines } from "#protocols/serial/written-lines.ts";
import { DEFAULT_SIZE, type RestoredBecause, serialLimits } from "#wire/serial.ts";

const limits = {
  /** Of what has scrolled off: some screens, with a bound on what the widest terminals cost. */
  scrollbackLines: 1_000,
  scrollbackCells: 160_000,
  /** Of that, for who fell behind: it is drawn again and again for a viewer that is slow. */
  behindLines: 100,
  /**
   * What has been said and not been drawn yet. Of a flood that brings more than there is time to draw the last is kept: the rest has scrolled
   * by.
   */
  undrawnBytes: 64 * 1024,
  /** What a screen is restored by. One that takes more loses what has scrolled off it, and then its colours. */
  drawnBytes: 128 * 1024,
  /** Given to the terminal at once, which lets others only between two. What costs it most takes some milliseconds for so many. */
  pieceBytes: 1024,
  /** Of a title, a colour or what else a control string says. Nothing of it is used here. */
  stringCharacters: 1024,
} as const;

/** Behind a gap nothing of what was before it is under way. */
const AFTER_GAP = "\x18\x0f\x1b[m";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/**
 * What a line's output has drawn, for who comes later: a terminal that nobody sees. It answers no queries. Drawing costs a hundred times
 * what handing on does, so it is done when somebody needs it, and else by whoever knows how much time there is (drawing.ts).
 */
export class Screen {
  readonly #terminal: headless.Terminal;
  readonly #serializer = new SerializeAddon();
  readonly #text = new TerminalText();
  readonly #unfinished = new Unfinished();
  #undrawn: Uint8Array[] = [];
  #undrawnBytes = 0;
  #hasGap = false;
  #isBlank = true;

  constructor() {
    this.#terminal = new headless.Terminal({
      cols: DEFAULT_SIZE.columns,
      rows: DEFAULT_SIZE.rows,
      scrollback: scrollbackOf(DEFAULT_SIZE.columns),
      allowProposedApi: true,
      logLevel: "off",
    });
    this.#terminal.loadAddon(this.#serializer as unknown as headless.ITerminalAddon);
    // Links are not restored, and each would be kept for as long as its line is.
    this.#terminal.parser.registerOscHandler(8, () => true);
    boundTerminal(this.#terminal, limits);
  }

  get size(): Size {
    return { columns: this.#terminal.cols, rows: this.#terminal.rows };
  }

  get undrawnBytes(): number {
    return this.#undrawnBytes;
  }

  /** `bytes` are kept: nobody writes to them again. */
  push(bytes: Uint8Array): void {
    this.#unfinished.push(bytes);
    this.#undrawn.push(bytes);
    this.#undrawnBytes += bytes.length;
    while (this.#undrawnBytes > limits.undrawnBytes && this.#undrawn.length > 1) {
      this.#undrawnBytes -= this.#undrawn.shift()?.length ?? 0;
      this.#hasGap = true;
    }
  }

  /** Draws some of what waits. Resolves once that is done. */
  async drawSome(): Promise<void> {
    this.#drawNext();
    await this.#drawn();
  }

  resize({ columns, rows }: Size): void {
    const size = {
      columns: Math.min(columns, serialLimits.columns),
      rows: Math.min(rows, serialLimits.rows),
    };
    this.#terminal.options.scrollback = scrollbackOf(size.columns);
    this.#terminal.resize(size.columns, size.rows);
  }

  /** What draws the screen as it is now, with what stands at the end and is not whole. Nothing may be pushed meanwhile. */
  async restore(because: RestoredBecause): Promise<Uint8Array> {
    await this.#drawAll();
    if (this.#isBlank) return new Uint8Array(0);
    const scrollback = because === "behind" ? limits.behindLines : limits.scrollbackLines;
    return Buffer.concat([this.#serialize(scrollback), this.#unfinished.bytes]);
  }

  /** All lines, as text, the oldest first. A full-screen program's screen stands behind them. Nothing may be pushed meanwhile. */
  async lines(): Promise<readonly string[]> {
    await this.#drawAll();
    const { active, normal } = this.#terminal.buffer;
    return active.type === "normal"
      ? writtenLines(normal)
      : [...writtenLines(normal), ...writtenLines(active)];
  }

  dispose(): void {
    this.#terminal.dispose();
  }

  async #drawAll(): Promise<void> {
    while (this.#drawNext());
    await this.#drawn();
  }

  #drawNext(): boolean {
    const next = this.#undrawn.shift();
    if (next === undefined) return false;
    this.#undrawnBytes -= next.length;
    this.#write(next);
    return true;
  }

  /** The terminal draws for some milliseconds at once, and then lets others. */
  async #drawn(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#terminal.write("", resolve);
    await promise;
  }

  #write(bytes: Uint8Array): void {
    this.#isBlank = false;
    if (this.#hasGap) this.#terminal.write(AFTER_GAP);
    this.#hasGap = false;
    for (let start = 0; start < bytes.length; start += limits.pieceBytes)
      this.#terminal.write(this.#text.decode(bytes.subarray(start, start + limits.pieceBytes)));
  }

  #serialize(lines: number): Uint8Array {
    for (let scrollback = lines; ; scrollback = Math.floor(scrollback / 8)) {
      const drawn = Buffer.from(this.#serializer.serialize({ scrollback }));
      if (drawn.length <= limits.drawnBytes) return drawn;
      if (scrollback === 0) return this.#plain();
    }
  }

  /** What is too colourful: its text alone. */
  #plain(): Uint8Array {
    const { active } = this.#terminal.buffer;
    const rows = Array.from(
      { length: this.#terminal.rows },
      (_, y) => active.getLine(active.baseY + y)?.translateToString(true) ?? "",
    );
    const cursor = `\x1b[${active.cursorY + 1};${active.cursorX + 1}H`;
    const text = Buffer.from(rows.join("\r\n"));
    return Buffer.concat([text.subarray(0, limits.drawnBytes), Buffer.from(cursor)]);
  }
}

function scrollbackOf(columns: number): number {
  return Math.min(limits.scrollbackLines, Math.floor(limits.scrollbackCells / columns));
}
