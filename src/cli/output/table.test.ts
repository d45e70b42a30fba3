import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { displayWidth, fitted } from "./display-width.ts";
import { type Column, renderTable } from "./table.ts";
import { byteCount, relativeTime } from "./units.ts";

interface Row {
  readonly name: string;
  readonly count: string;
  readonly id: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: "NAME", value: ({ name }) => name },
  { title: "COUNT", align: "right", value: ({ count }) => count },
  { title: "ID", keep: true, value: ({ id }) => id },
];

test("columns are as wide as what stands in them, and numbers stand at the right", () => {
  const lines = renderTable(
    [
      { name: "a", count: "5", id: "x1" },
      { name: "longer", count: "12345678", id: "x2" },
    ],
    COLUMNS,
    {},
  );

  assert.deepEqual(lines, ["NAME       COUNT  ID", "a              5  x1", "longer  12345678  x2"]);
});

test("a table that is too wide has its widest columns cut, and what is to be copied last", () => {
  const rows = [{ name: "a-very-long-name-of-a-machine", count: "1", id: "0123456789abcdef" }];

  assert.deepEqual(renderTable(rows, COLUMNS, { width: 36 }), [
    "NAME         COUNT  ID",
    "a-very-lon…      1  0123456789abcdef",
  ]);
  assert.deepEqual(renderTable(rows, COLUMNS, { width: 22 }), [
    "NAME    COUNT  ID",
    "a-ver…      1  012345…",
  ]);
});

test("spare columns are left out before anything is cut, the last one first", () => {
  const spare = COLUMNS.map((column) => (column.title === "ID" ? column : { ...column, spare: true }));
  const rows = [{ name: "a-name", count: "12345", id: "0123456789" }];

  assert.deepEqual(renderTable(rows, spare, { width: 25 }), [
    "NAME    COUNT  ID",
    "a-name  12345  0123456789",
  ]);
  assert.deepEqual(renderTable(rows, spare, { width: 24 }), ["NAME    ID", "a-name  0123456789"]);
  assert.deepEqual(renderTable(rows, spare, { width: 12 }), ["ID", "0123456789"]);
});

test("no line is ever wider than the terminal, as long as the columns can be told apart in it", () => {
  const row = fc.record({ name: fc.string({ unit: "grapheme" }), count: fc.string(), id: fc.string() });
  fc.assert(
    fc.property(fc.array(row, { maxLength: 5 }), fc.integer({ min: 24, max: 120 }), (rows, width) => {
      for (const line of renderTable(rows, COLUMNS, { width })) assert.ok(displayWidth(line) <= width, line);
    }),
  );
});

test("wide characters take two cells, and are never cut in half", () => {
  assert.equal(displayWidth("日本"), 4);
  assert.equal(displayWidth("👩‍💻"), 2);
  assert.equal(displayWidth("é"), 1);
  assert.equal(fitted("日本語", 4), "日…");
  assert.equal(fitted("日本語", 6), "日本語");
  assert.equal(fitted("abc", 2), "a…");
});

test("colour goes around a padded cell and changes no width", () => {
  const columns: Column<Row>[] = [
    { title: "NAME", value: ({ name }) => name, paint: (cell) => `<${cell}>` },
    { title: "ID", value: ({ id }) => id },
  ];

  assert.deepEqual(
    renderTable([{ name: "a", count: "", id: "x" }], columns, { title: (text) => `[${text}]` }),
    ["[NAME  ID]", "<a   >  x"],
  );
});

test("times are said in the largest unit that fits", () => {
  const now = Date.parse("2026-11-22T12:00:00Z");

  assert.equal(relativeTime("2026-11-22T11:59:59.500Z", now), "just now");
  assert.equal(relativeTime("2026-11-22T11:59:01Z", now), "59 seconds ago");
  assert.equal(relativeTime("2026-11-22T11:58:01Z", now), "1 minute ago");
  assert.equal(relativeTime("2026-11-20T12:00:00Z", now), "2 days ago");
  assert.equal(relativeTime("2026-11-22T15:00:00Z", now), "in 3 hours");
  assert.equal(relativeTime("2024-11-22T12:00:00Z", now), "2 years ago");
});

test("bytes are said in powers of a thousand", () => {
  assert.deepEqual([0, 1, 999, 1000, 1449, 123_456, 12_345_678, 9e15].map(byteCount), [
    "0 B",
    "1 B",
    "999 B",
    "1.0 kB",
    "1.4 kB",
    "123 kB",
    "12.3 MB",
    "9000 TB",
  ]);
});
