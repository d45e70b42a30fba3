import assert from "node:assert/strict";
import { test } from "node:test";
import { guestFamily } from "./guest-family.ts";

test("a guest's family is that of the ostype, and of `other` nothing is known", () => {
  const families = ["win11", "wxp", "w2k8", "wvista", "l26", "l24", "solaris", "other", undefined].map(
    guestFamily,
  );

  assert.deepEqual(families, [
    ...["windows", "windows", "windows", "windows", "linux", "linux", "other", "unknown", "unknown"],
  ]);
});
