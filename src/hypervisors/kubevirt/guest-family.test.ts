import assert from "node:assert/strict";
import { test } from "node:test";
import type { Instance } from "./answers.ts";
import { guestFamily } from "./guest-family.ts";

test("a guest's family is as its agent says, and unknown where nobody says", () => {
  const metadata = { name: "a", namespace: "b", uid: "c", resourceVersion: "1" };
  const family = (id: string) => {
    const instance: Instance = { metadata, status: { guestOSInfo: { id } } };
    return guestFamily(undefined, instance);
  };

  assert.deepEqual(
    ["fedora", "mswindows", "freebsd", "macos", "darwin", "beos", "", "ol9", "windows.11"].map(family),
    ["linux", "windows", "bsd", "macos", "macos", "other", "unknown", "linux", "windows"],
  );
  assert.equal(guestFamily({ metadata, spec: { preference: { name: "rhel.9" } } }, undefined), "linux");
});
