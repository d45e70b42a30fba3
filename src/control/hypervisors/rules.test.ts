import assert from "node:assert/strict";
import { test } from "node:test";
import { fits, projectOf } from "./rules.ts";

test("a pattern fits a whole name, with * for anything and ? for one character", () => {
  const cases: readonly (readonly [
    pattern: string,
    fitting: readonly string[],
    others: readonly string[],
  ])[] = [
    ["*", ["", "web", "☃"], []],
    ["web-*", ["web-", "web-1", "web-*"], ["web", "my-web-1", "Web-1"]],
    ["*-db", ["a-db", "-db-db"], ["a-db2"]],
    ["a*b*c", ["abc", "axxbxxc", "abcbc"], ["acb", "abcd"]],
    ["vm?", ["vm1", "vm☃", "vm😀"], ["vm", "vm12"]],
    ["[a].(b)", ["[a].(b)"], ["a.b", "axb"]],
    ["", [""], ["a"]],
  ];

  for (const [pattern, fitting, others] of cases) {
    for (const name of fitting) assert.ok(fits(name, pattern), `${pattern} fits ${name}`);
    for (const name of others) assert.ok(!fits(name, pattern), `${pattern} does not fit ${name}`);
  }
});

test("a pattern of many stars is judged without trying everything", () => {
  assert.equal(fits("a".repeat(128), `${"*a".repeat(60)}*b`), false);
});

test("the first rule that fits counts", () => {
  const rules = [
    { pattern: "web-secret", projectId: "vault" },
    { pattern: "web-*", projectId: "shop" },
  ];

  assert.equal(projectOf("web-secret", rules), "vault");
  assert.equal(projectOf("web-1", rules), "shop");
  assert.equal(projectOf("db", rules), undefined);
});
