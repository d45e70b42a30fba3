import type { Area } from "#protocols/rfb/messages.ts";
import type { Canvas } from "./canvas.ts";
import { LAYOUT, PALETTE } from "./design.ts";
import { CELL } from "./glyphs.ts";
import type { Row, TerminalScreen } from "./terminal.ts";

const { x: LEFT, y: TOP, columns: COLUMNS, rows: ROWS } = LAYOUT.terminal;

/** Where the terminal writes on the screen. */
const TERMINAL_AREA: Area = {
  x: LEFT,
  y: TOP,
  width: COLUMNS * CELL.width,
  height: ROWS * CELL.height,
};

/** Something that moved up as a whole, before anything else was painted. */
export interface Scroll {
  readonly area: Area;
  /** Pixels. */
  readonly up: number;
}

interface Painted {
  readonly areas: readonly Area[];
  readonly scroll?: Scroll;
}

/** Paints a terminal's screen, and of it only the rows that are not there yet. */
export class TerminalView {
  #top = 0;
  /** What stands in each row, the cursor included. */
  #shown: readonly string[] = Array.from({ length: ROWS }, () => "");

  paint(canvas: Canvas, screen: TerminalScreen): Painted {
    const scrolled = screen.top - this.#top;
    this.#top = screen.top;
    const scroll = scrolled > 0 && scrolled < ROWS ? this.#scroll(canvas, scrolled) : undefined;
    const areas: Area[] = [];
    const rows = Array.from({ length: ROWS }, (_, index) => ({
      row: screen.rows[index],
      cursor: index === screen.cursor.row ? screen.cursor.column : undefined,
    }));
    const wanted = rows.map((row) => JSON.stringify(row));
    for (const [index, { row, cursor }] of rows.entries())
      if (wanted[index] !== this.#shown[index]) areas.push(paintRow(canvas, { index, row, cursor }));
    this.#shown = wanted;
    return scroll === undefined ? { areas } : { areas, scroll };
  }

  #scroll(canvas: Canvas, rows: number): Scroll {
    const scroll = { area: TERMINAL_AREA, up: rows * CELL.height };
    canvas.scrollUp(scroll.area, scroll.up);
    // The last rows still stand where they stood, too.
    this.#shown = [...this.#shown.slice(rows), ...this.#shown.slice(ROWS - rows)];
    return scroll;
  }
}

interface PlacedRow {
  readonly index: number;
  readonly row: Row | undefined;
  readonly cursor: number | undefined;
}

function paintRow(canvas: Canvas, { index, row, cursor }: PlacedRow): Area {
  const y = TOP + index * CELL.height;
  const area = { x: LEFT, y, width: TERMINAL_AREA.width, height: CELL.height };
  canvas.fill(area, PALETTE.panel);
  if (row !== undefined) {
    const { text, tone, prompt = 0 } = row;
    const colour = tone === "typed" ? PALETTE.text : PALETTE.muted;
    canvas.text(text.slice(0, prompt), { x: LEFT, y, colour: PALETTE.accent });
    canvas.text(text.slice(prompt), { x: LEFT + prompt * CELL.width, y, colour });
  }
  if (cursor !== undefined)
    canvas.fill({ x: LEFT + cursor * CELL.width, y: y + 2, width: 2, height: 14 }, PALETTE.accent);
  return area;
}
