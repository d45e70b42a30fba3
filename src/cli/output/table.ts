import { displayWidth, fitted } from "./display-width.ts";

/** One column of a table. */
export interface Column<Item> {
  readonly title: string;
  /** Numbers stand at the right, so that their digits stand under each other. */
  readonly align?: "left" | "right";
  /** What is copied from the table is cut last. */
  readonly keep?: boolean;
  /** May be left out where there is no room for it, the last such column first. */
  readonly spare?: boolean;
  readonly value: (item: Item) => string;
  /** Colour, where the terminal has it; it is given the padded cell and never changes its width. */
  readonly paint?: (cell: string, item: Item) => string;
}

const GAP = "  ";
const limits = {
  /** A column is not cut below this many cells. */
  cells: 6,
  /** Before a column is cut below this many cells, spare ones are left out. */
  comfortableCells: 24,
} as const;

/** A column with what stands in it. */
interface Filled<Item> {
  readonly column: Column<Item>;
  readonly cells: readonly string[];
  readonly natural: number;
}

/** The lines of a table. With a width it fits it: spare columns go first, then the widest ones are cut. */
export function renderTable<Item>(
  items: readonly Item[],
  columns: readonly Column<Item>[],
  {
    width = Number.POSITIVE_INFINITY,
    title = (text: string) => text,
  }: { readonly width?: number; readonly title?: (text: string) => string },
): string[] {
  const filled = columns.map((column) => fill(column, items));
  const shown = withoutSpare(filled, width);
  const widths = fit(shown, width);
  const line = (cellOf: (each: Filled<Item>, cells: number) => string) =>
    shown
      .map((each, index) => cellOf(each, widths[index] ?? 0))
      .join(GAP)
      .trimEnd();
  const head = line(({ column }, cells) => placed(column.title, column, cells));
  const body = items.map((item, row) =>
    line(({ column, cells }, width) => {
      const cell = placed(cells[row] ?? "", column, width);
      return column.paint === undefined ? cell : column.paint(cell, item);
    }),
  );
  return [title(head), ...body];
}

function fill<Item>(column: Column<Item>, items: readonly Item[]): Filled<Item> {
  const cells = items.map(column.value);
  const natural = cells.reduce(
    (widest, cell) => Math.max(widest, displayWidth(cell)),
    displayWidth(column.title),
  );
  return { column, cells, natural };
}

function placed<Item>(text: string, { align }: Column<Item>, width: number): string {
  const cell = fitted(text, width);
  const padding = " ".repeat(width - displayWidth(cell));
  return align === "right" ? padding + cell : cell + padding;
}

function withoutSpare<Item>(filled: readonly Filled<Item>[], width: number): readonly Filled<Item>[] {
  const columns = [...filled];
  const comfortable = ({ column, natural }: Filled<Item>) =>
    column.keep === true ? natural : Math.min(natural, limits.comfortableCells);
  while (total(columns.map(comfortable)) > width) {
    const last = columns.findLastIndex(({ column }) => column.spare === true);
    if (last === -1) break;
    columns.splice(last, 1);
  }
  return columns;
}

/** Takes cells from the widest column until all fit; from those to keep only when the others are at their least. */
function fit<Item>(columns: readonly Filled<Item>[], width: number): number[] {
  const widths = columns.map(({ natural }) => natural);
  const widest = (keep: boolean) =>
    widths
      .map((cells, index) => ({ cells, index }))
      .filter(({ cells, index }) => cells > limits.cells && (columns[index]?.column.keep ?? false) === keep)
      .toSorted((a, b) => b.cells - a.cells)[0];
  while (total(widths) > width) {
    const found = widest(false) ?? widest(true);
    if (found === undefined) break;
    widths[found.index] = found.cells - 1;
  }
  return widths;
}

function total(widths: readonly number[]): number {
  return widths.reduce((sum, cells) => sum + cells, GAP.length * (widths.length - 1));
}
