import assert from "node:assert/strict";
import { test } from "node:test";
import { GatewayError } from "#wire/gateway-error.ts";
import { linkLimits, type RefusedRequest } from "#wire/link.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { captureLog } from "../../../test/harness/test-node.ts";
import { Refusals } from "./refusals.ts";

test("refusals that come together travel together, and no more than control takes", async () => {
  const { refusals, sent, tell } = start();
  const stop = new AbortController();
  const running = refusals.run(stop.signal);

  tell(linkLimits.refusalsPerRequest + 2);

  await eventually(() => assert.deepEqual(sizes(sent), [linkLimits.refusalsPerRequest, 2]));
  stop.abort();
  await assert.rejects(running, { name: "AbortError" });
});

test("what control did not take is sent again", async () => {
  const { refusals, sent, failures, tell } = start();
  failures.push(new GatewayError("control_unreachable"));
  tell(1);

  await refusals.flush(new AbortController().signal);

  assert.deepEqual(sizes(sent), [1, 1]);
});

test("an older control that does not know of refusals is not asked again and again", async () => {
  const { refusals, sent, failures, tell, log } = start();
  failures.push(new GatewayError("not_found"));
  tell(1);

  await refusals.flush(new AbortController().signal);
  await refusals.flush(new AbortController().signal);

  assert.deepEqual(sizes(sent), [1]);
  assert.match(log(), /takes no notice/);
});

test("while control is away a flood is remembered up to a bound, and the rest counted", async () => {
  const { refusals, sent, tell, log } = start();
  tell(1_234);

  await refusals.flush(new AbortController().signal);

  assert.equal(
    sizes(sent).reduce((sum, size) => sum + size),
    1_000,
  );
  assert.match(log(), /"refusals":234/);
});

function start() {
  const sent: RefusedRequest[] = [];
  const failures: GatewayError[] = [];
  const { logger: log, text } = captureLog();
  const refusals = new Refusals({
    log,
    send: async (request) => {
      sent.push(request);
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
    },
  });
  const tell = (count: number) => {
    for (let told = 0; told < count; told += 1)
      refusals.tell({ sessionId: `${told}`, code: "ticket_used", viewerAddress: "192.0.2.1", at: 0 });
  };
  return { refusals, sent, failures, tell, log: text };
}

function sizes(sent: readonly RefusedRequest[]): readonly number[] {
  return sent.map(({ refusals }) => refusals.length);
}
