import assert from "node:assert/strict";
import { test } from "node:test";
import { ERROR_CODES, ERRORS } from "#wire/errors.ts";
import { EXIT, exitOf } from "./exit-status.ts";

test("every class of failure has a status of its own", () => {
  const statuses = Object.values(EXIT).map(({ status }) => status);

  assert.deepEqual(statuses, [0, 1, 2, 3, 4, 5, 6]);
});

test("an error's class follows from what the catalogue says of it", () => {
  assert.equal(exitOf("request_invalid"), "usage");
  assert.equal(exitOf("not_found"), "notFound");
  assert.equal(exitOf("unauthenticated"), "refused");
  assert.equal(exitOf("forbidden"), "refused");
  assert.equal(exitOf("rate_limited"), "unavailable");
  assert.equal(exitOf("no_node_available"), "unavailable");
  assert.equal(exitOf("conflict"), "failed");
  assert.equal(exitOf("extra_token_required"), "failed");
});

test("no error of the catalogue ends a command with success", () => {
  for (const code of ERROR_CODES)
    assert.notEqual(EXIT[exitOf(code)].status, 0, `${code} ${ERRORS[code].status}`);
});
