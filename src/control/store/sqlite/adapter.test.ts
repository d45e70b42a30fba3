import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { adaptDatabase } from "./adapter.ts";

function database() {
  const native = new DatabaseSync(":memory:");
  native.exec("create table t (a, b)");
  return adaptDatabase(native);
}

const REFUSED: readonly [what: string, value: unknown][] = [
  ["a Date", new Date()],
  ["an object", { a: 1 }],
  ["an array", [1]],
  ["undefined", undefined],
  ["true", true],
  ["a function", () => 1],
  ["a symbol", Symbol("s")],
  ["a typed array of another kind", new Uint16Array(1)],
];

for (const [what, value] of REFUSED) {
  test(`${what} as first parameter is refused, and nothing is written`, () => {
    const db = database();
    const insert = db.prepare("insert into t values (?, ?)");

    assert.throws(() => insert.run([value, 1]), /parameter 1/);
    assert.throws(() => insert.run([1, value]), /parameter 2/);

    assert.deepEqual(db.prepare("select * from t").all([]), []);
  });
}

test("text, numbers, null and bytes go in and come out", () => {
  const db = database();
  const values = [
    ["text", 1],
    [1.5, null],
    [Uint8Array.of(0, 255), 2 ** 53 - 1],
    [10n, ""],
  ] as const;

  for (const row of values) db.prepare("insert into t values (?, ?)").run(row);

  const rows = db.prepare("select a, b from t").all([]) as { a: unknown; b: unknown }[];
  assert.deepEqual(
    rows.map(({ a, b }) => [a, b]),
    [
      ["text", 1],
      [1.5, null],
      [Uint8Array.of(0, 255), 2 ** 53 - 1],
      [10, ""],
    ],
  );
});

test("a statement that returns rows is known as one", () => {
  const db = database();

  assert.equal(db.prepare("select 1").reader, true);
  assert.equal(db.prepare("insert into t values (1, 2) returning a").reader, true);
  assert.equal(db.prepare("insert into t values (1, 2)").reader, false);
});

test("statements are prepared once, and the longest known give way to new ones", () => {
  const db = database();
  const first = db.prepare("select 0");

  assert.equal(db.prepare("select 0"), first);
  for (let number = 1; number <= 256; number++) db.prepare(`select ${number}`);

  assert.notEqual(db.prepare("select 0"), first);
});
