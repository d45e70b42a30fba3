import assert from "node:assert/strict";
import { test } from "node:test";
import { GatewayError } from "#wire/gateway-error.ts";
import { type RefusedRequest, refusalsPerRequest } from "#wire/link-refusals.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { captureLog } from "../../../test/harness/test-node.ts";
import { Refusals } from "./refusals.ts";

test("refusals that come together travel together, and no more than control takes", async () => {
  const { refusals, sent, tell } = start();
  const stop = new AbortController();
  const running = refusals.run(stop.signal);

  tell(refusalsPerRequest + 2);

  await eventually(() => assert.deepEqual(sizes(sent), [refusalsPerRequest, 2]));
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

test("what an older control does not know how to take does not stand in the way", async () => {
  const { refusals, sent, failures, tell, log } = start();
  failures.push(new GatewayError("not_found"));
  tell(1);

  await refusals.flush(new AbortController().signal);
  assert.deepEqual(sizes(sent), [1]);
  tell(2);
  await refusals.flush(new AbortController().signal);

  // The first of the two was told a moment ago.
  assert.deepEqual(sizes(sent), [1, 1]);
  assert.match(log(), /takes no notice/);
});

test("who shows one ticket again and again is told of once a minute", async () => {
  const { refusals, sent } = start();
  const refusal = { sessionId: "s", code: "ticket_used", viewerAddress: "192.0.2.1", at: 0 };
  for (const at of [0, 1, 59_999, 60_000, 60_001]) refusals.tell({ ...refusal, at });
  refusals.tell({ ...refusal, at: 5, viewerAddress: "192.0.2.2" });

  await refusals.flush(new AbortController().signal);

  assert.deepEqual(
    sent.flatMap(({ refusals }) => refusals.map(({ at }) => at)),
    [0, 60_000, 5],
  );
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
