import assert from "node:assert/strict";
import { test } from "node:test";
import { credentialHash, newCredential } from "./credential.ts";

test("no credential is taken for an option where it is the value of one", () => {
  for (let drawn = 0; drawn < 2_000; drawn += 1) {
    const { value, hash } = newCredential();
    assert.match(value.expose(), /^[A-Za-z0-9_][A-Za-z0-9_-]{42}$/);
    assert.equal(hash, credentialHash(value.expose()));
  }
});
