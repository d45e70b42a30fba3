import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { type EndingContext, endingOf, endingText, isForOperator } from "./ending.ts";

const unopened: EndingContext = { wasOpen: false };
const open: EndingContext = { wasOpen: true };
const session: EndingContext = { session: "reference-1", wasOpen: true };

test("letting go is closed, being told no is refused, the rest has failed", () => {
  assert.equal(endingOf(new GatewayError("viewer_closed"), open).kind, "closed");
  assert.equal(endingOf(new GatewayError("upstream_closed"), open).kind, "closed");
  assert.equal(endingOf(new GatewayError("ticket_used"), unopened).kind, "refused");
  assert.equal(endingOf(new GatewayError("upstream_not_allowed"), unopened).kind, "refused");
  assert.equal(endingOf(new GatewayError("upstream_lost"), open).kind, "failed");
  assert.equal(endingOf(new GatewayError("viewer_lost"), open).kind, "failed");
});

test("who is told no at an open console has it closed", () => {
  assert.equal(endingOf(new GatewayError("access_withdrawn"), open).kind, "closed");
  assert.equal(endingOf(new GatewayError("session_ended"), open).kind, "closed");
});

test("a machine that hangs up before a console was open has failed; a viewer may still change its mind", () => {
  assert.equal(endingOf(new GatewayError("upstream_closed"), unopened).kind, "failed");
  assert.equal(endingOf(new GatewayError("viewer_closed"), unopened).kind, "closed");
});

test("what nobody foresaw is our own fault, and its words stay inside", () => {
  const ending = endingOf(new TypeError("x is not a function"), session);

  assert.deepEqual(ending, { kind: "failed", code: "internal", reference: "reference-1" });
});

test("an ending in sentences says what happened, what exactly, what to do, and what to quote", () => {
  const error = new GatewayError("upstream_refused", { detail: "Too many\nconnections" });

  assert.equal(
    endingText(endingOf(error, session)),
    "The hypervisor refused to open the console. (Too many connections) " +
      "Try again; if it stays so, tell your operator. Reference: reference-1",
  );
});

test("an ending without detail or reference has no empty places", () => {
  assert.equal(
    endingText(endingOf(new GatewayError("upstream_lost"), open)),
    "The connection to the hypervisor broke. Open the console again.",
  );
});

test("what an operator is asked about is told from what people do", () => {
  const told = (code: ErrorCode, wasOpen = false) =>
    isForOperator(endingOf(new GatewayError(code), { session: "s", wasOpen }));

  for (const code of ["upstream_not_allowed", "upstream_is_porthole", "upstream_unreachable"] as const)
    assert.equal(told(code), true, code);
  for (const code of ["viewer_lost", "viewer_closed", "ticket_used", "machine_not_running"] as const)
    assert.equal(told(code), false, code);
});
