import assert from "node:assert/strict";
import { test } from "node:test";
import { GatewayError } from "#wire/gateway-error.ts";
import { linkLimits, type ReportRequest, type SessionReport, type SessionToEnd } from "#wire/link.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { captureLog } from "../../../test/harness/test-node.ts";
import { Reporter } from "./reporter.ts";

test("reports that come together travel together, in order", async () => {
  const { reporter, requests, run, stop } = start();
  const running = run();

  for (const name of ["a", "b", "c"]) reporter.report(report(name, "active"));

  await eventually(() => assert.equal(reporter.queued, 0));
  assert.deepEqual(sessionsOf(requests), [["a", "b", "c"]]);
  await stop(running);
});

test("a request carries no more than control takes", async () => {
  const { reporter, requests } = start();
  for (let count = 0; count < linkLimits.reportsPerRequest + 1; count++)
    reporter.report(report(`${count}`, "ended"));

  await reporter.flush(new AbortController().signal);

  assert.deepEqual(
    requests.map(({ reports }) => reports.length),
    [linkLimits.reportsPerRequest, 1],
  );
});

test("what control did not take is sent again, and what comes meanwhile after it", async () => {
  const { reporter, requests, fail } = start();
  reporter.report(report("a", "ended"));
  fail(() => reporter.report(report("b", "ended")), new GatewayError("control_unreachable"));

  await reporter.flush(new AbortController().signal);

  assert.deepEqual(sessionsOf(requests), [["a"], ["a", "b"]]);
});

test("what control will never take is dropped, and does not stand in the way", async () => {
  const { reporter, requests, fail, log } = start();
  reporter.report(report("a", "ended"));
  fail(() => {}, new GatewayError("request_invalid"));

  await reporter.flush(new AbortController().signal);
  reporter.report(report("b", "ended"));
  await reporter.flush(new AbortController().signal);

  assert.deepEqual(sessionsOf(requests), [["a"], ["b"]]);
  assert.match(log(), /they are dropped/);
});

test("of many reports only those that control does not take are dropped, and the others arrive once", async () => {
  const { reporter, requests, log, refuse } = start();
  const names = Array.from({ length: linkLimits.reportsPerRequest + 100 }, (_, count) => `${count}`);
  const bad = ["0", "77", "78", "499", "560"];
  refuse((name) => (bad.includes(name) ? new GatewayError("request_invalid") : undefined));
  for (const name of names) reporter.report(report(name, "ended"));

  await reporter.flush(new AbortController().signal);

  const isGood = (name: string) => !bad.includes(name);
  const taken = sessionsOf(requests).filter((batch) => batch.every(isGood));
  assert.deepEqual(taken.flat(), names.filter(isGood));
  assert.deepEqual([reporter.queued, reporter.dropped], [0, bad.length]);
  for (const name of bad) assert.match(log(), new RegExp(`"sessionId":"${name}"`));
  assert.doesNotMatch(log(), /"sessionId":"79"/);
});

test("a control that goes away while a bad report is looked for has the others later, once", async () => {
  const { reporter, requests, refuse } = start();
  let isAway = false;
  refuse((name, { length }) => {
    if (name === "c") return new GatewayError("request_invalid");
    if (name === "d" && length === 1 && !isAway) {
      isAway = true;
      return new GatewayError("control_unreachable");
    }
    return undefined;
  });
  for (const name of ["a", "b", "c", "d"]) reporter.report(report(name, "ended"));

  await reporter.flush(new AbortController().signal);

  const said = sessionsOf(requests).map((batch) => batch.join(""));
  assert.deepEqual(said, ["abcd", "ab", "cd", "c", "d", "d"]);
  assert.deepEqual([reporter.queued, reporter.dropped], [0, 1]);
});

test("a session that ended before its beginning was sent is told of once", async () => {
  const { reporter, requests } = start();
  for (const name of ["a", "b"]) reporter.report(report(name, "active"));
  reporter.report(report("a", "ended"));

  await reporter.flush(new AbortController().signal);

  const said = requests.flatMap(({ reports }) => reports.map(({ sessionId, state }) => [sessionId, state]));
  assert.deepEqual(said, [
    ["a", "ended"],
    ["b", "active"],
  ]);
});

test("a session that ends while its beginning is under way is told of twice", async () => {
  const { reporter, requests, during } = start();
  reporter.report(report("a", "active"));
  during(() => reporter.report(report("a", "ended")));

  await reporter.flush(new AbortController().signal);

  const states = requests.map(({ reports }) => reports.map(({ state }) => state));
  assert.deepEqual(states, [["active"], ["ended"]]);
});

test("when more wait than are kept, beginnings go before endings", async () => {
  const { reporter, requests, log } = start();
  reporter.report(report("first", "ended"));
  reporter.report(report("second", "active"));
  for (let count = 0; count < 49_999; count++) reporter.report(report(`${count}`, "ended"));

  assert.equal(reporter.queued, 50_000);
  await reporter.flush(new AbortController().signal);

  const sent = sessionsOf(requests).flat();
  assert.ok(sent.includes("first"));
  assert.ok(!sent.includes("second"));
  assert.match(log(), /More reports wait for control than are kept/);
});

test("a node that stops does not wait for a control that is gone for ever", async () => {
  const { reporter, fail, log } = start();
  reporter.report(report("a", "ended"));
  fail(() => {}, new GatewayError("control_unreachable"));

  await reporter.finish(1);

  assert.equal(reporter.queued, 1);
  assert.match(log(), /could not be told how sessions ended/);
});

test("what control has as over is ended", async () => {
  const { reporter, over, ended, run, stop } = start();
  const session = { sessionId: "a", attachment: 1, code: "node_lost" };
  over.push(session);
  const running = run();

  reporter.report(report("a", "active"));

  await eventually(() => assert.deepEqual(ended, [session]));
  assert.equal(reporter.isReporting(session), false);
  await stop(running);
});

function start() {
  const requests: ReportRequest[] = [];
  let refusing: (name: string, batch: readonly SessionReport[]) => GatewayError | undefined = () => undefined;
  const calls: { readonly meanwhile: () => void; readonly error?: GatewayError }[] = [];
  const send = async (request: ReportRequest) => {
    requests.push(structuredClone(request));
    const call = calls.shift();
    call?.meanwhile();
    if (call?.error !== undefined) throw call.error;
    for (const { sessionId } of request.reports) {
      const refused = refusing(sessionId, request.reports);
      if (refused !== undefined) throw refused;
    }
    return over.length === 0 ? {} : { over: over.splice(0) };
  };
  const log = captureLog();
  const over: SessionToEnd[] = [];
  const ended: SessionToEnd[] = [];
  const reporter = new Reporter({
    send,
    end: (session) => ended.push(session),
    incarnation: "incarnation-of-the-test",
    log: log.logger,
  });
  const abort = new AbortController();
  return {
    reporter,
    requests,
    over,
    ended,
    log: log.text,
    refuse: (which: typeof refusing) => {
      refusing = which;
    },
    during: (meanwhile: () => void) => calls.push({ meanwhile }),
    fail: (meanwhile: () => void, error: GatewayError) => calls.push({ meanwhile, error }),
    run: () => reporter.run(abort.signal),
    stop: async (running: Promise<void>) => {
      abort.abort();
      await assert.rejects(running, { name: "AbortError" });
    },
  };
}

function report(sessionId: string, state: SessionReport["state"]): SessionReport {
  return { sessionId, attachment: 1, at: 0, state, bytesToViewer: 0, bytesFromViewer: 0 };
}

function sessionsOf(requests: readonly ReportRequest[]): string[][] {
  return requests.map(({ reports }) => reports.map(({ sessionId }) => sessionId));
}
