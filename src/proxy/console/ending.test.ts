import assert from "node:assert/strict";
import { test } from "node:test";
import { GatewayError } from "#wire/gateway-error.ts";
import { endingOf, endingText } from "./ending.ts";

test("letting go is closed, being told no is refused, the rest has failed", () => {
  assert.equal(endingOf(new GatewayError("viewer_closed")).kind, "closed");
  assert.equal(endingOf(new GatewayError("upstream_closed")).kind, "closed");
  assert.equal(endingOf(new GatewayError("ticket_used")).kind, "refused");
  assert.equal(endingOf(new GatewayError("upstream_not_allowed")).kind, "refused");
  assert.equal(endingOf(new GatewayError("upstream_lost")).kind, "failed");
  assert.equal(endingOf(new GatewayError("viewer_lost")).kind, "failed");
});

test("what nobody foresaw is our own fault, and its words stay inside", () => {
  const ending = endingOf(new TypeError("x is not a function"), "reference-1");

  assert.deepEqual(ending, { kind: "failed", code: "internal", reference: "reference-1" });
});

test("an ending in sentences says what happened, what exactly, what to do, and what to quote", () => {
  const error = new GatewayError("upstream_refused", { detail: "Too many\nconnections" });

  assert.equal(
    endingText(endingOf(error, "reference-1")),
    "The hypervisor refused to open the console. (Too many connections) " +
      "Try again; if it stays so, tell your operator. Reference: reference-1",
  );
});

test("an ending without detail or reference has no empty places", () => {
  assert.equal(
    endingText(endingOf(new GatewayError("upstream_lost"))),
    "The connection to the hypervisor broke. Open the console again.",
  );
});
