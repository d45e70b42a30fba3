import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import { eventually } from "../../../../test/harness/eventually.ts";
import { onFreePort } from "../../../../test/harness/free-port.ts";
import { startOtlpCollector } from "../../../../test/harness/otlp-collector.ts";
import { startTracing, traced } from "./tracing.ts";

const log = pino({ level: "silent" });

test("spans go to the collector with what they are part of, and what went wrong in them", async () => {
  await using collector = await startOtlpCollector();
  const tracing = await startTracing({ endpoint: collector.endpoint, role: "test", version: "1.2.3", log });
  const outer = tracing.start("outer", { attributes: { "porthole.machine.id": "m" } });
  const inner = tracing.start("inner", { parent: outer.traceparent });

  await assert.rejects(
    traced(
      inner,
      async () => await Promise.reject(new Error("no")),
      () => "node_full",
    ),
  );
  assert.equal(await traced(outer, async () => 7, String), 7);
  await tracing.stop();

  const [first, second] = collector.spans;
  assert.deepEqual(
    [first?.name, first?.service, first?.status?.message],
    ["inner", "porthole-test", "node_full"],
  );
  assert.deepEqual([second?.name, second?.parentSpanId], ["outer", undefined]);
  assert.equal(first?.parentSpanId, second?.spanId);
  assert.equal(outer.traceparent, `00-${second?.traceId}-${second?.spanId}-01`);
  assert.deepEqual(second?.attributes, [{ key: "porthole.machine.id", value: { stringValue: "m" } }]);
});

test("a caller that does not sample is not traced, and what is no traceparent begins a trace of its own", async () => {
  await using collector = await startOtlpCollector();
  const tracing = await startTracing({ endpoint: collector.endpoint, role: "test", version: "1.2.3", log });
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";

  const quiet = tracing.start("quiet", { parent: `00-${traceId}-00f067aa0ba902b7-00` });
  quiet.end();
  for (const parent of [
    "",
    "garbage",
    `00-${"0".repeat(32)}-00f067aa0ba902b7-01`,
    `ff-${traceId}-00f067aa0ba902b7-01`,
  ])
    tracing.start("own", { parent }).end();
  await tracing.stop();

  await eventually(() => assert.equal(collector.spans.length, 4));
  assert.match(quiet.traceparent, new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
  for (const span of collector.spans) {
    assert.notEqual(span.traceId, traceId);
    assert.equal(span.parentSpanId, undefined);
  }
});

test("a collector that is away delays nobody, and a stop waits for it within its bound", async () => {
  const { endpoint, [Symbol.asyncDispose]: leave } = await startOtlpCollector();
  await leave();
  const tracing = await startTracing({ endpoint, role: "test", version: "1.2.3", log });

  assert.equal(await traced(tracing.start("lost"), async () => 1, String), 1);

  await tracing.stop();
});

test("the log tells when the collector cannot be reached, once, and when it can again", async () => {
  const first = await onFreePort(async (port) => await startOtlpCollector(port));
  const { port } = new URL(first.endpoint);
  await first[Symbol.asyncDispose]();
  const lines: string[] = [];
  const told = pino({ errorKey: "error" }, { write: (line) => void lines.push(JSON.parse(line).msg) });
  const tracing = await startTracing({ endpoint: first.endpoint, role: "test", version: "1", log: told });
  tracing.start("lost").end();
  await eventually(() => assert.deepEqual(lines, ["Traces cannot be sent"]));

  await using again = await startOtlpCollector(Number(port));
  await eventually(() => {
    tracing.start("found").end();
    assert.ok(again.spans.length > 0);
  });
  await tracing.stop();

  assert.deepEqual(lines, ["Traces cannot be sent", "Traces are sent again"]);
});
