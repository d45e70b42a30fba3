import { useSignal } from "@preact/signals";
import type { ComponentChildren, TargetedKeyboardEvent } from "preact";
import { useMemo } from "preact/hooks";
import { ChevronIcon } from "../ui/icons.tsx";
import { pressed, type Sort, sorted } from "./sorting.ts";

export interface Column<Row> {
  readonly id: string;
  readonly label: string;
  readonly cell: (row: Row) => ComponentChildren;
  /** A column without it cannot be sorted by. */
  readonly compare?: (a: Row, b: Row) => number;
  /** For narrow pages: what can be left out there. */
  readonly minor?: boolean;
}

interface DataTableProps<Row> {
  /** What the table is of, for those who do not see it. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly rowId: (row: Row) => string;
  readonly initial: Sort;
}

/**
 * A table that is a table: its heads sort it, and the arrow keys walk along its rows, from one element that is
 * marked `data-walkable` to the next.
 */
export function DataTable<Row>({ caption, columns, rows, rowId, initial }: DataTableProps<Row>) {
  const sort = useSignal(initial);
  const { column: sortedBy, descending } = sort.value;
  const compare = columns.find(({ id }) => id === sortedBy)?.compare;
  const inOrder = useMemo(
    () => (compare === undefined ? rows : sorted(rows, compare, descending)),
    [rows, compare, descending],
  );

  return (
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
      <tbody onKeyDown={walk}>
        {inOrder.map((row) => (
          <tr key={rowId(row)}>
            {columns.map((column, index) =>
              index === 0 ? (
                <th key={column.id} scope="row">
                  {column.cell(row)}
                </th>
              ) : (
                <td key={column.id} class={column.minor ? "minor" : undefined}>
                  {column.cell(row)}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface HeadProps<Row> {
  readonly column: Column<Row>;
  readonly sort: Sort;
  readonly onPress: (id: string) => void;
}

function Head<Row>({ column: { id, label, compare, minor }, sort, onPress }: HeadProps<Row>) {
  const here = sort.column === id;
  const direction = sort.descending ? "descending" : "ascending";

  return (
    <th
      scope="col"
      class={minor ? "minor" : undefined}
      aria-sort={here && compare !== undefined ? direction : undefined}
    >
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

function walk(event: TargetedKeyboardEvent<HTMLElement>): void {
  const stops = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-walkable]")];
  const here = stops.findIndex((stop) => stop.contains(document.activeElement));
  const targets: Readonly<Record<string, number>> = {
    ArrowDown: here + 1,
    ArrowUp: here - 1,
    PageDown: here + ROWS_PER_PAGE,
    PageUp: here - ROWS_PER_PAGE,
    Home: 0,
    End: stops.length - 1,
  };
  const target = targets[event.key];
  if (here < 0 || target === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  stops[Math.max(0, Math.min(target, stops.length - 1))]?.focus();
}
