export interface Sort {
  readonly column: string;
  readonly descending: boolean;
}

/** What the press of a column's head means: that column, and the other way round when it was that one already. */
export function pressed(sort: Sort, column: string): Sort {
  return { column, descending: sort.column === column && !sort.descending };
}

/** A copy in order. Rows that compare equal stay as they came, so that nothing jumps when it is refreshed. */
export function sorted<Row>(
  rows: readonly Row[],
  compare: (a: Row, b: Row) => number,
  descending: boolean,
): readonly Row[] {
  return rows.toSorted((a, b) => (descending ? compare(b, a) : compare(a, b)));
}

/** By the reader's alphabet, with numbers by their value: web-2 before web-10. */
export function byText<Row>(text: (row: Row) => string, language: string): (a: Row, b: Row) => number {
  const { compare } = new Intl.Collator(language, { numeric: true });
  return (a, b) => compare(text(a), text(b));
}
