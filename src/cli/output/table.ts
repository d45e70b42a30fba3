import { displayWidth, fitted } from "./display-width.ts";

/** One column of a table. */
export interface Column<Item> {
  readonly title: string;
  /** Numbers stand at the right, so that their digits stand under each other. */
  readonly align?: "left" | "right";
  /** What is copied from the table is cut last. */
  readonly keep?: boolean;
  readonly value: (item: Item) => string;
  /** Colour, where the terminal has it; it is given the padded cell and never changes its width. */
  readonly paint?: (cell: string, item: Item) => string;
}

const GAP = "  ";
const limits = {
  /** A column is not cut below this many cells. */
  cells: 6,
} as const;

/** The lines of a table. With a width it fits it: the widest columns are cut first. */
export function renderTable<Item>(
  items: readonly Item[],
  columns: readonly Column<Item>[],
  {
    width,
    title = (text: string) => text,
  }: { readonly width?: number; readonly title?: (text: string) => string },
): string[] {
  const cells = items.map((item) => columns.map((column) => column.value(item)));
  const natural = columns.map((column, index) =>
    cells.reduce(
      (widest, row) => Math.max(widest, displayWidth(row[index] ?? "")),
      displayWidth(column.title),
    ),
  );
  const widths = width === undefined ? natural : fit(natural, columns, width);
  const place = (text: string, index: number) => {
    const cell = fitted(text, widths[index] ?? 0);
    const padding = " ".repeat((widths[index] ?? 0) - displayWidth(cell));
    return columns[index]?.align === "right" ? padding + cell : cell + padding;
  };
  const head = columns
    .map((column, index) => place(column.title, index))
    .join(GAP)
    .trimEnd();
  const body = items.map((item, row) =>
    columns
      .map((column, index) => {
        const cell = place(cells[row]?.[index] ?? "", index);
        return column.paint === undefined ? cell : column.paint(cell, item);
      })
      .join(GAP)
      .trimEnd(),
  );
  return [title(head), ...body];
}

/** Takes cells from the widest column until all fit; from those to keep only when the others are at their least. */
function fit<Item>(natural: readonly number[], columns: readonly Column<Item>[], width: number): number[] {
  const widths = [...natural];
  const gaps = GAP.length * (columns.length - 1);
  const shrinkable = (keep: boolean) =>
    widths
      .map((cells, index) => ({ cells, index }))
      .filter(({ cells, index }) => cells > limits.cells && (columns[index]?.keep ?? false) === keep)
      .toSorted((a, b) => b.cells - a.cells)[0];
  while (widths.reduce((sum, cells) => sum + cells, gaps) > width) {
    const widest = shrinkable(false) ?? shrinkable(true);
    if (widest === undefined) break;
    widths[widest.index] = widest.cells - 1;
  }
  return widths;
}
