import assert from "node:assert/strict";
import { test } from "node:test";
import { OriginsBefore } from "./origins-before.ts";

test("those of before are known, the latest first and not without end", () => {
  const before = new OriginsBefore();
  const seen = (name: string) => before.beside(at(name)).map(({ pageOrigin }) => pageOrigin);

  assert.deepEqual(seen("a"), []);
  assert.deepEqual(seen("a"), []);
  assert.deepEqual(seen("b"), ["https://a.example"]);
  assert.deepEqual(seen("a"), ["https://b.example"]);
  for (const name of ["c", "d", "e", "f"]) seen(name);
  assert.deepEqual(
    seen("g"),
    ["f", "e", "d", "c"].map((name) => `https://${name}.example`),
  );
});

test("a name that was given up an hour ago is a stranger's", () => {
  let now = 0;
  const before = new OriginsBefore(() => now);
  before.beside(at("a"));
  now += 10 * 60 * 60 * 1000;
  before.beside(at("a"));

  now += 60 * 60 * 1000;
  assert.equal(before.beside(at("b")).length, 1);
  now += 1;
  assert.equal(before.beside(at("b")).length, 0);
});

function at(name: string) {
  return { pageOrigin: `https://${name}.example`, webSocketOrigin: `https://${name}.example:8443` };
}
