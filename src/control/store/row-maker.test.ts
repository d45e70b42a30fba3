import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { rowMaker } from "./row-maker.ts";

test("a row has its values by their names, whatever those are", () => {
  // A literal sets the prototype by this one name, and no column of ours has it.
  const name = fc.string({ unit: "binary" }).filter((text) => text !== "__proto__");
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(name, fc.integer()), { selector: ([first]) => first }), (columns) => {
      const toRow = rowMaker<number>(columns.map(([column]) => column));
      assert.deepEqual(toRow(columns.map(([, value]) => value)), Object.fromEntries(columns));
    }),
  );
});
