import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { Secret } from "./secret.ts";

test("a secret shows in no form of printing, and is read only by exposing it", () => {
  const secret = new Secret("hunter2");

  const printed = [
    `${secret}`,
    String(secret),
    JSON.stringify({ secret }),
    inspect({ secret }),
    inspect(secret, { showHidden: true }),
  ];

  for (const text of printed) assert.ok(!text.includes("hunter2"), text);
  assert.deepEqual(Object.keys(secret), []);
  assert.equal(secret.expose(), "hunter2");
});
