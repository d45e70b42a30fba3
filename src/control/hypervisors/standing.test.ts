import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { HypervisorError } from "#hypervisors/hypervisor-error.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { failureOf, problemOf } from "./standing.ts";

test("a hypervisor that did not answer whoever asked in time is told so, in words of ours", async () => {
  const signal = AbortSignal.timeout(0);
  if (!signal.aborted) await once(signal, "abort");

  for (const error of [signal.reason, new GatewayError("upstream_unreachable", { cause: signal.reason })])
    assert.deepEqual(failureOf(error), { step: "answer", said: "no answer in time" });
});

test("a step that is known is told with what was said there, and a refusal is one of rights", () => {
  const tls = new HypervisorError("tls", "it ends the connection");
  const refused = new GatewayError("upstream_refused", { cause: new Error("not for you") });

  assert.equal(problemOf(tls), "tls: it ends the connection");
  assert.equal(problemOf(new GatewayError("upstream_unreachable", { cause: tls })), problemOf(tls));
  assert.deepEqual(failureOf(refused), { step: "rights", said: "not for you" });
});
