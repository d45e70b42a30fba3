import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { dashed, undashed, usualAddress } from "./dashed-name.ts";

test("every address has one label, and the label is its alone", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
      const usual = usualAddress(address);
      const label = dashed(usual);

      assert.match(label, /^[0-9a-f](?:[0-9a-f-]{0,61}[0-9a-f])?$/);
      assert.equal(undashed(label), usual);
    }),
  );
});

test("no other spelling is one", () => {
  const others = [
    "01-2-3-4",
    "1-2-3",
    "1-2-3-256",
    "1-2-3-4-5",
    "--1",
    "2001-db8--",
    "2001-0db8--1",
    "0-0--1",
    "::1",
    "",
  ];

  for (const label of [...others, "a-b", "g--1", "1---2", "1--2--3", "2001-DB8--1"])
    assert.equal(undashed(label), undefined, label);
});
