import assert from "node:assert/strict";
import { test } from "node:test";
import { ERROR_CODES, ERRORS, isErrorCode } from "./errors.ts";
import { GatewayError, printable, toGatewayError } from "./gateway-error.ts";

test("every error has close code of its own, in the range that is free for applications", () => {
  const closes = ERROR_CODES.map((code) => ERRORS[code].close);

  assert.equal(new Set(closes).size, closes.length);
  for (const close of closes) assert.ok(close >= 4000 && close <= 4999, `${close}`);
});

test("every error says in whole sentences what happened and what to do", () => {
  for (const code of ERROR_CODES) {
    for (const sentence of [ERRORS[code].meaning, ERRORS[code].remedy]) {
      assert.match(sentence, /^[A-Z].*\.$/, code);
      assert.ok(!sentence.includes("!"), code);
    }
  }
});

test("only the catalogue's own codes are codes", () => {
  assert.ok(isErrorCode("ticket_used"));
  for (const other of ["toString", "__proto__", "", 410, undefined])
    assert.ok(!isErrorCode(other), String(other));
});

test("the public form of an error holds neither its cause nor its stack", () => {
  const error = new GatewayError("internal", { cause: new Error("password is hunter2") });

  assert.ok(!JSON.stringify(error.toPublic("r1")).includes("hunter2"));
  assert.equal(error.toPublic("r1").reference, "r1");
});

test("what is not known becomes an internal error that keeps its cause", () => {
  const cause = new Error("x");
  const known = new GatewayError("ticket_used");

  assert.equal(toGatewayError(known), known);
  assert.equal(toGatewayError(cause).code, "internal");
  assert.equal(toGatewayError(cause).cause, cause);
});

test("text from a peer becomes one short printable line", () => {
  assert.equal(printable("a\r\nb\u202Ec\u0000"), "a b c");
  assert.equal(printable("x".repeat(1000)).length, 301);
});
