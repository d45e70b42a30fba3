import assert from "node:assert/strict";
import { test } from "node:test";
import { ERROR_CODES, ERRORS } from "#wire/errors.ts";
import { errorText, knownCode } from "./error-texts.ts";

test("every error of the catalogue has a German text of its own, in whole sentences", () => {
  for (const code of ERROR_CODES) {
    const german = errorText(code, "de");

    for (const part of ["meaning", "remedy"] as const) {
      assert.match(german[part], /^[A-ZÄÖÜ].*\.$/, `${code} ${part}`);
      assert.notEqual(german[part], ERRORS[code][part], `${code} ${part} is not translated`);
      assert.ok(!german[part].includes("!"), `${code} ${part}`);
    }
  }
});

test("the same remedy in English is the same remedy in German", () => {
  const german = new Map<string, string>();
  for (const code of ERROR_CODES) {
    const { remedy } = errorText(code, "en");
    const known = german.get(remedy) ?? errorText(code, "de").remedy;
    german.set(remedy, known);

    assert.equal(errorText(code, "de").remedy, known, code);
  }
});

test("settings and commands keep their names in German", () => {
  for (const code of ERROR_CODES) {
    const names = /\/api\/\S+json|[a-z]+\.[a-z.]*[a-z]{2}\b|porthole [a-z-]+( [a-z-]+)?|porthole\.v1/g;
    const english = `${ERRORS[code].meaning} ${ERRORS[code].remedy}`.match(names) ?? [];
    const german = errorText(code, "de");

    for (const name of english)
      assert.ok(`${german.meaning} ${german.remedy}`.includes(name), `${code} ${name}`);
  }
});

test("an unknown code reads as an internal error", () => {
  assert.equal(knownCode("ticket_used"), "ticket_used");
  assert.equal(knownCode("made_up"), "internal");
  assert.equal(knownCode(undefined), "internal");
});
