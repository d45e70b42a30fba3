import assert from "node:assert/strict";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scratch } from "../../../test/harness/scratch.ts";
import { createInstallationKey, keyCheck, readInstallationKey } from "./installation-key.ts";

test("a key file is made once, for its owner alone, and read back", async () => {
  await using folder = scratch();
  const file = join(folder.path, "porthole.key");

  const key = createInstallationKey(file);

  assert.equal(key.length, 32);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readInstallationKey(file), key);
  assert.deepEqual(readdirSync(folder.path), ["porthole.key"], "no draft is left");
});

test("a key file that is there is never overwritten", async () => {
  await using folder = scratch();
  const file = join(folder.path, "porthole.key");
  const key = createInstallationKey(file);

  assert.throws(() => createInstallationKey(file), { code: "EEXIST" });

  assert.deepEqual(readInstallationKey(file), key);
  assert.deepEqual(readdirSync(folder.path), ["porthole.key"], "no draft is left");
});

test("there may be no key file", async () => {
  await using folder = scratch();

  assert.equal(readInstallationKey(join(folder.path, "none")), undefined);
});

test("a key file that everybody may read is refused, with what to do", async () => {
  await using folder = scratch();
  const file = join(folder.path, "porthole.key");
  createInstallationKey(file);
  chmodSync(file, 0o644);

  assert.throws(() => readInstallationKey(file), /chmod 600/);
});

for (const text of [
  "",
  "AAAA",
  "A".repeat(42),
  "A".repeat(44),
  `${"A".repeat(42)}!`,
  "A".repeat(43).replace(/.$/, "B"),
]) {
  test(`${JSON.stringify(text)} is no key, and is not said in the error`, async () => {
    await using folder = scratch();
    const file = join(folder.path, "porthole.key");
    writeFileSync(file, text, { mode: 0o600 });

    assert.throws(
      () => readInstallationKey(file),
      (error: Error) =>
        /is not a key file/.test(error.message) && (text === "" || !error.message.includes(text)),
    );
  });
}

test("the check value tells keys apart and is not the key", async () => {
  await using folder = scratch();
  const one = createInstallationKey(join(folder.path, "one"));
  const two = createInstallationKey(join(folder.path, "two"));

  assert.equal(keyCheck(one), keyCheck(one));
  assert.notEqual(keyCheck(one), keyCheck(two));
  assert.ok(!readFileSync(join(folder.path, "one"), "utf8").includes(keyCheck(one)));
});
