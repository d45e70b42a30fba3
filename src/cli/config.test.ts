import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigError } from "#base/config.ts";
import { scratch } from "../../test/harness/scratch.ts";
import { loadClientConfig } from "./config.ts";

const NO_WARNING = (text: string) => assert.fail(text);

function fileIn(folder: string, text: string, mode = 0o600): string {
  const path = join(folder, "cli.toml");
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

test("the file that is named has the endpoint and the keys", async () => {
  await using folder = scratch();
  const path = fileIn(folder.path, 'url = "https://c.example.com"\napi-key = "a"\nsecret-key = "s"\n');

  const config = loadClientConfig(path, NO_WARNING);

  assert.equal(config.url, "https://c.example.com");
  assert.equal(config.apiKey, "a");
  assert.equal(config.secretKey.expose(), "s");
  assert.doesNotMatch(JSON.stringify(config), /"s"/);
});

test("a file that others can read is used, and warned of", async () => {
  await using folder = scratch();
  const path = fileIn(folder.path, 'url = "http://127.0.0.1:1"\napi-key = "a"\nsecret-key = "s"\n', 0o640);
  const warnings: string[] = [];

  loadClientConfig(path, (text) => warnings.push(text));

  assert.deepEqual(warnings, [`${path} can be read by others. Mend it: chmod 600 ${path}`]);
});

test("every problem of a file is told at once", async () => {
  await using folder = scratch();
  const path = fileIn(folder.path, 'url = "not a url"\napikey = "a"\n');

  assert.throws(
    () => loadClientConfig(path, NO_WARNING),
    (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.problems.length, 4, error.message);
      return true;
    },
  );
});

test("a file that is named and not there is a problem, not a reason to look elsewhere", async () => {
  await using folder = scratch();

  assert.throws(() => loadClientConfig(join(folder.path, "none.toml"), NO_WARNING), /none\.toml: ENOENT/);
});
