import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { loadMeters } from "./meters.ts";

const TABLE = {
  t_total: { type: "counter", help: "Counted.", labels: ["reason"] },
  t_all_total: { type: "counter", help: "Counted elsewhere.", labels: ["reason"] },
  t_now: { type: "gauge", help: "Now.", labels: ["state"] },
  t_seconds: { type: "histogram", help: "Took.", labels: [], buckets: [0.1, 1] },
} as const;

test("what is counted adds up, what is set is as it was set last, and what is gone is not told any more", async () => {
  const meters = await loadMeters(TABLE);
  let state = "open";
  meters.onRead((set) => {
    set("t_now", 2, { state });
    set("t_all_total", 7, { reason: "a" });
    set("t_all_total", 1, { reason: "b" });
  });
  meters.add("t_total", { reason: "x" });
  meters.add("t_total", { reason: "x" }, 2);
  meters.observe("t_seconds", 0.5);

  await meters.read();
  state = "closed";
  const lines = (await meters.read()).split("\n");

  for (const line of [
    't_total{reason="x"} 3',
    't_all_total{reason="a"} 7',
    't_all_total{reason="b"} 1',
    't_now{state="closed"} 2',
    't_seconds_bucket{le="0.1"} 0',
    't_seconds_bucket{le="1"} 1',
    "t_seconds_count 1",
    "# HELP t_total Counted.",
    "# TYPE t_seconds histogram",
  ])
    assert.ok(lines.includes(line), `${line}\n${lines.join("\n")}`);
  assert.ok(!lines.some((line) => line.includes("open")));
});

test("two who read at once read the same, and one source that fails takes nothing from the others", async () => {
  const meters = await loadMeters(TABLE);
  meters.onRead(() => {
    throw new Error("the database is away");
  });
  meters.onRead(async (set) => {
    await Promise.resolve();
    set("t_now", 2, { state: "open" });
  });

  const texts = await Promise.all([meters.read(), meters.read()]);

  for (const text of texts) assert.ok(text.includes('t_now{state="open"} 2'), text);
});

test("a source that does not answer is not waited for, and says nothing afterwards", async () => {
  const meters = await loadMeters(TABLE);
  const { promise: silence, resolve: breakSilence } = Promise.withResolvers<void>();
  let isFirst = true;
  meters.onRead(async (set) => {
    set("t_now", 0, { state: "answers" });
    if (!isFirst) return;
    isFirst = false;
    await silence;
    set("t_now", 7, { state: "late" });
  });
  meters.onRead((set) => set("t_now", 2, { state: "open" }));

  const first = await meters.read();
  const second = meters.read();
  breakSilence();

  for (const text of [first, await second]) {
    assert.ok(text.includes('t_now{state="open"} 2'), text);
    assert.ok(text.includes('t_now{state="answers"} 0'), text);
    assert.ok(!text.includes("late"), text);
  }
});

test("nothing loads what metrics and traces need before somebody looks", () => {
  const eager = globSync("src/**/*.{ts,tsx}")
    .filter((file) => !file.includes(".test."))
    .filter((file) =>
      /^import (?!type )[^;]*?from "(?:prom-client|@opentelemetry\/)/m.test(readFileSync(file, "utf8")),
    );

  assert.deepEqual(eager, []);
});
