import assert from "node:assert/strict";
import { test } from "node:test";
import { pageSize, readCursor, toPage } from "./paging.ts";

const columns = {
  item: (row: { name: string }) => row.name,
  key: (row: { name: string }) => [row.name, "x"],
};
const rows = ["a", "b", "c"].map((name) => ({ name }));

test("a page ends with a cursor only where there is more", () => {
  assert.deepEqual(toPage(rows, 3, columns), { items: ["a", "b", "c"] });
  assert.deepEqual(toPage([], 3, columns), { items: [] });
  assert.deepEqual(toPage(rows, 2, columns).items, ["a", "b"]);
});

test("the cursor is the key of the last item shown", () => {
  const { next } = toPage(rows, 2, columns);

  assert.deepEqual(readCursor({ after: next }, "name", "id"), ["b", "x"]);
});

test("the first page has no cursor", () => {
  assert.equal(readCursor({}, "name"), undefined);
});

for (const after of ["", "x", "W10", "eyJhIjoxfQ", "WzEsMl0", "WyJhIl0", "bnVsbA"]) {
  test(`the cursor “${after}” is refused where two texts are expected`, () => {
    assert.throws(() => readCursor({ after }, "name", "id"), { code: "request_invalid" });
  });
}

test("a page has 100 items unless asked otherwise, and at most 500", () => {
  assert.equal(pageSize({}), 100);
  assert.equal(pageSize({ limit: 500 }), 500);
  for (const limit of [0, -1, 501, 1.5, Number.NaN])
    assert.throws(() => pageSize({ limit }), { code: "request_invalid" });
});
