import assert from "node:assert/strict";
import { test } from "node:test";
import { Type } from "typebox";
import { startChild } from "./child.ts";
import { StartFailure } from "./start-failure.ts";

const ready = Type.Object({ ready: Type.Literal(true) });
const env = {};

/** A node that waits for a control which is nowhere. */
const WAITING = [
  ...["--control", "https://127.0.0.1:1", "--join-token-file", "/dev/null"],
  ...["--data", "/nonexistent", "--listen", "127.0.0.1:0"],
];

for (const readyMs of [null, 60_000])
  test(`what is to stop before it starts is not started, however long it might take (${readyMs})`, async () => {
    const pids: number[] = [];
    const options = { ready, env, stop: AbortSignal.abort(), started: (pid: number) => pids.push(pid) };

    const starting = startChild("proxy", WAITING, { ...options, readyMs });

    await assert.rejects(starting, StartFailure);
    assert.deepEqual(pids, []);
  });

test("a child that ends before it is ready is told of by its status", async () => {
  const options = { ready, env, stop: new AbortController().signal, started: () => {} };

  await assert.rejects(startChild("proxy", ["--no-such-flag"], options), /before it was ready \(status 2\)/);
});

test("a child that is to stop while it starts has ended when that is told", async () => {
  const stop = new AbortController();
  let pid = 0;
  const started = (its: number) => {
    pid = its;
    stop.abort();
  };

  await assert.rejects(
    startChild("demo", [], { ready, env, stop: stop.signal, started, readyMs: null }),
    StartFailure,
  );

  assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
});
