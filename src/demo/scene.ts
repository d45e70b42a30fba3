import type { Clock } from "#base/clock.ts";
import type { Area } from "#protocols/rfb/messages.ts";
import { paintBackdrop } from "./backdrop.ts";
import type { Canvas } from "./canvas.ts";
import { LAYOUT, PALETTE } from "./design.ts";
import { CELL } from "./glyphs.ts";
import { Pointer } from "./pointer.ts";
import { SEA_AREA, Sea } from "./sea.ts";
import { Terminal } from "./terminal.ts";
import { type Scroll, TerminalView } from "./terminal-view.ts";

/** The sea moves this often; what people do is shown sooner. */
export const FRAME_MS = 100;

/** What painting changed: first the scroll, if there was one, then the areas. */
export interface Repainted {
  readonly areas: readonly Area[];
  readonly scroll?: Scroll;
}

/** The machine's whole picture, and what it is told. */
export class Scene {
  readonly canvas: Canvas;
  readonly terminal = new Terminal(LAYOUT.terminal.columns, LAYOUT.terminal.rows);
  viewers = 0;
  readonly #clock: Clock;
  readonly #backdrop = paintBackdrop();
  readonly #sea = new Sea(this.#backdrop);
  readonly #pointer = new Pointer();
  readonly #terminalView = new TerminalView();
  readonly #labels: readonly Label[];
  #frame = -1;
  #place = "nowhere yet";

  constructor(clock: Clock) {
    this.#clock = clock;
    this.canvas = this.#backdrop.take(this.#backdrop.area);
    this.#labels = [
      new Label({ ...LAYOUT.clock, colour: PALETTE.text }, () => TIME.format(clock.now())),
      new Label({ ...LAYOUT.date, colour: PALETTE.muted }, () => DATE.format(clock.now())),
      new Label({ ...LAYOUT.status, colour: PALETTE.muted }, () => this.#status()),
    ];
    this.terminal.tell("Copy text on your side: it is shown here. Ctrl-Alt-Del does no harm.");
  }

  movePointer(x: number, y: number, buttons: number): void {
    const [column, row] = [Math.min(x, LAYOUT.width - 1), Math.min(y, LAYOUT.height - 1)];
    this.#pointer.moveTo({ x: column, y: row, pressed: buttons !== 0 });
    this.#place = `${column}, ${row}`;
  }

  /** Brings the picture up to date. */
  repaint(): Repainted {
    const lifted = this.#pointer.lift(this.canvas);
    const { areas, scroll } = this.#terminalView.paint(this.canvas, this.terminal.screen());
    const painted = [
      lifted,
      ...areas,
      this.#paintSea(),
      ...this.#labels.map((label) => label.paint(this.canvas, this.#backdrop)),
    ];
    painted.push(this.#pointer.lay(this.canvas));
    return {
      areas: painted.filter((area) => area !== undefined),
      ...(scroll === undefined ? {} : { scroll }),
    };
  }

  #paintSea(): Area | undefined {
    const frame = Math.floor(this.#clock.now() / FRAME_MS);
    if (frame === this.#frame) return undefined;
    this.#frame = frame;
    this.#sea.paint(this.canvas, (frame * FRAME_MS) / 1000);
    return SEA_AREA;
  }

  #status(): string {
    const viewers = this.viewers === 1 ? "1 viewer" : `${this.viewers} viewers`;
    return `${viewers}, pointer ${this.#place}`;
  }
}

const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DATE = new Intl.DateTimeFormat("en-GB", {
  weekday: "long",
  day: "numeric",
  month: "long",
  year: "numeric",
});

interface LabelStyle {
  readonly x: number;
  readonly y: number;
  readonly colour: number;
  readonly scale?: number;
}

/** A line of text on the backdrop that is painted again when it reads differently. */
class Label {
  readonly #style: LabelStyle;
  readonly #text: () => string;
  #shown = "";

  constructor(style: LabelStyle, text: () => string) {
    this.#style = style;
    this.#text = text;
  }

  paint(canvas: Canvas, backdrop: Canvas): Area | undefined {
    const text = this.#text();
    if (text === this.#shown) return undefined;
    const { x, y, scale = 1 } = this.#style;
    const columns = Math.max(text.length, this.#shown.length);
    const area = { x, y, width: columns * CELL.width * scale, height: CELL.height * scale };
    canvas.copyFrom(backdrop, area);
    canvas.text(text, this.#style);
    this.#shown = text;
    return area;
  }
}
