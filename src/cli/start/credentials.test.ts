import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync } from "node:fs";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import { scratch } from "../../../test/harness/scratch.ts";
import { credentialFiles, keepNovaToken } from "./credentials.ts";

test("the key of clients that bring none is its owner's to read, and gone after a start that lets none in", async () => {
  await using folder = scratch();
  const { nova } = credentialFiles(folder.path);

  keepNovaToken(folder.path, { url: "", apiKey: "key", secretKey: new Secret("secret") });
  assert.equal(readFileSync(nova, "utf8"), "key:secret\n");
  assert.equal(statSync(nova).mode & 0o777, 0o600);

  keepNovaToken(folder.path, undefined);
  assert.ok(!existsSync(nova));
  keepNovaToken(folder.path, undefined);
});
