import { useSignal } from "@preact/signals";
import type { ComponentChildren, TargetedKeyboardEvent } from "preact";
import { useMemo } from "preact/hooks";
import { ChevronIcon } from "../ui/icons.tsx";
import { useGrowingList } from "./growing-list.ts";
import { pressed, type Sort, sorted } from "./sorting.ts";

export interface Column<Row> {
  readonly id: string;
  readonly label: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** A column without it cannot be sorted by. */
  readonly compare?: (a: Row, b: Row) => number;
  /** Left out on narrow pages: `minor` on those of a telephone, `extra` on those of a tablet too. */
  readonly weight?: "minor" | "extra";
}

interface DataTableProps<Row> {
  /** What the table is of, for those who do not see it. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowId: (row: Row) => string;
  readonly initial: Sort;
  /** What the rows were chosen by; a table of another choice is looked at from its beginning. */
  readonly choice?: string;
}

/**
 * A table that is a table: its heads sort it, and the arrow keys walk along its rows, from one element that is
 * marked `data-walkable` to the next.
 */
export function DataTable<Row>({ caption, columns, rows, rowId, initial, choice = "" }: DataTableProps<Row>) {
  const sort = useSignal(initial);
  const { column: sortedBy, descending } = sort.value;
  const compare = columns.find(({ id }) => id === sortedBy)?.compare;
  const inOrder = useMemo(
    () => (compare === undefined ? rows : sorted(rows, compare, descending)),
    [rows, compare, descending],
  );
  const { visible, end, showAll } = useGrowingList(inOrder, `${sortedBy} ${descending} ${choice}`);

  function walked(event: TargetedKeyboardEvent<HTMLElement>) {
    const table = event.currentTarget;
    const step = stepOf(event);
    if (step === undefined) return;
    event.preventDefault();
    if (event.key === "End") showAll();
    // Behind the next rendering: the last row may have to be made first.
    requestAnimationFrame(() => walk(table, step));
  }

  return (
    <>
      <table class="data">
        <caption class="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <Head
                key={column.id}
                column={column}
                sort={sort.value}
                onPress={(id) => {
                  sort.value = pressed(sort.value, id);
                }}
              />
            ))}
          </tr>
        </thead>
        <tbody onKeyDown={walked}>
          {visible.map((row) => (
            <tr key={rowId(row)}>
              {columns.map((column, index) =>
                index === 0 ? (
                  <th key={column.id} scope="row">
                    {column.cell(row)}
                  </th>
                ) : (
                  <td key={column.id} class={column.weight}>
                    {column.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
      <div ref={end} />
    </>
  );
}

interface HeadProps<Row> {
  readonly column: Column<Row>;
  readonly sort: Sort;
  readonly onPress: (id: string) => void;
}

function Head<Row>({ column: { id, label, compare, weight }, sort, onPress }: HeadProps<Row>) {
  const here = sort.column === id;
  const direction = sort.descending ? "descending" : "ascending";

  return (
    <th scope="col" class={weight} aria-sort={here && compare !== undefined ? direction : undefined}>
      {compare === undefined ? (
        label
      ) : (
        <button type="button" class="head" onClick={() => onPress(id)}>
          {label}
          {here && <ChevronIcon up={!sort.descending} />}
        </button>
      )}
    </th>
  );
}

const ROWS_PER_PAGE = 20;

/** Where a key leads, from the place of the row that has the keyboard. */
function stepOf(event: KeyboardEvent): ((here: number, rows: number) => number) | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
  switch (event.key) {
    case "ArrowDown":
      return (here) => here + 1;
    case "ArrowUp":
      return (here) => here - 1;
    case "PageDown":
      return (here) => here + ROWS_PER_PAGE;
    case "PageUp":
      return (here) => here - ROWS_PER_PAGE;
    case "Home":
      return () => 0;
    case "End":
      return (_, rows) => rows - 1;
    default:
      return undefined;
  }
}

function walk(table: HTMLElement, step: (here: number, rows: number) => number): void {
  const stops = [...table.querySelectorAll<HTMLElement>("[data-walkable]")];
  const { activeElement } = document;
  const here = activeElement instanceof HTMLElement ? stops.indexOf(activeElement) : -1;
  const target = Math.max(0, Math.min(step(here, stops.length), stops.length - 1));
  if (here >= 0) stops[target]?.focus();
}
