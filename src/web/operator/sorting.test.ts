import assert from "node:assert/strict";
import { test } from "node:test";
import { byText, pressed, sorted } from "./sorting.ts";

const byName = byText<{ readonly name: string }>(({ name }) => name, "en");
const names = (rows: readonly { readonly name: string }[]) => rows.map(({ name }) => name);

test("numbers in names are sorted by their value", () => {
  const rows = [{ name: "web-10" }, { name: "web-2" }, { name: "Web-1" }];

  assert.deepEqual(names(sorted(rows, byName, false)), ["Web-1", "web-2", "web-10"]);
  assert.deepEqual(names(sorted(rows, byName, true)), ["web-10", "web-2", "Web-1"]);
});

test("rows that are alike stay in their order, both ways", () => {
  const rows = [
    { name: "a", id: 1 },
    { name: "a", id: 2 },
  ];

  for (const descending of [false, true])
    assert.deepEqual(
      sorted(rows, byName, descending).map((row) => row.id),
      [1, 2],
    );
});

test("a column that is pressed again turns round, another begins upwards", () => {
  const first = pressed({ column: "name", descending: false }, "name");

  assert.deepEqual(first, { column: "name", descending: true });
  assert.deepEqual(pressed(first, "name"), { column: "name", descending: false });
  assert.deepEqual(pressed(first, "state"), { column: "state", descending: false });
});
