import assert from "node:assert/strict";
import { test } from "node:test";
import { silentText } from "./silent-text.ts";

test("of a few parts that do not answer each is named, and of many the first ones and how many more there are", () => {
  const many = ["pve1", "pve2", "pve3", "pve4", "pve5", "pve6"];

  assert.equal(silentText(["pve1"]), "No answer from pve1: its machines stay as they are on record.");
  assert.equal(
    silentText(many),
    "No answer from pve1, pve2, pve3, pve4 and 2 more: their machines stay as they are on record.",
  );
});
