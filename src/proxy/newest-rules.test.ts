import assert from "node:assert/strict";
import { test } from "node:test";
import { GatewayError } from "#wire/gateway-error.ts";
import { parseUpstreamAllow } from "#wire/upstream-allow.ts";
import { startUpstream, type TestUpstream } from "../../test/harness/test-upstream.ts";
import { DeadlineError } from "./deadline.ts";
import type { DialRules } from "./dial.ts";
import { byNewestRules } from "./newest-rules.ts";
import { reach } from "./reach.ts";

const ELSEWHERE = "192.0.2.0/24";
const HERE = "127.0.0.0/8";

/** Rules that are others once control was asked again. */
function rulesOf(before: string, after: string) {
  let asked = 0;
  return {
    // Anew each time, as control's answers are read.
    rules: (): DialRules => ({ allow: parseUpstreamAllow(asked === 0 ? before : after) }),
    refresh: async () => {
      asked += 1;
    },
    asked: () => asked,
  };
}

const { signal } = new AbortController();

function open({ upstream }: TestUpstream, abort = signal) {
  return async (rules: DialRules) => (await reach(upstream, { ...rules, signal: abort })).socket.destroy();
}

test("what has just been allowed is opened at once", async () => {
  await using machine = await startUpstream(() => {});
  // The second has this machine within, and does not name it.
  for (const before of [ELSEWHERE, "0.0.0.0/0"]) {
    const { rules, refresh, asked } = rulesOf(before, `${before}, ${HERE}`);

    await byNewestRules(open(machine), { signal, rules, refresh });

    assert.equal(asked(), 1);
  }
});

test("what was allowed is opened without asking control", async () => {
  await using machine = await startUpstream(() => {});
  const { rules, refresh, asked } = rulesOf(HERE, ELSEWHERE);

  await byNewestRules(open(machine), { signal, rules, refresh });

  assert.equal(asked(), 0);
});

test("what is not allowed is refused, whether nothing has changed or something else has", async () => {
  await using machine = await startUpstream(() => {});
  for (const after of [ELSEWHERE, "198.51.100.0/24"]) {
    const { rules, refresh, asked } = rulesOf(ELSEWHERE, after);

    await assert.rejects(byNewestRules(open(machine), { signal, rules, refresh }), {
      code: "upstream_not_allowed",
    });
    assert.equal(asked(), 1);
  }
  assert.equal(machine.callers.length, 0);
});

test("where control has not said anything by the time of the dial the refusal stands", async () => {
  await using machine = await startUpstream(() => {});
  const { rules } = rulesOf(ELSEWHERE, HERE);
  const dialling = new AbortController();

  const reached = byNewestRules(open(machine, dialling.signal), {
    ...{ signal: dialling.signal, rules },
    refresh: async (left) => {
      assert.equal(left, dialling.signal);
      dialling.abort(new DeadlineError("deadline passed"));
    },
  });

  await assert.rejects(reached, { code: "upstream_not_allowed" });
});

test("whoever has left while control is asked is not dialled for", async () => {
  await using machine = await startUpstream(() => {});
  const leaving = new AbortController();
  const { rules } = rulesOf(ELSEWHERE, HERE);
  const left = new GatewayError("viewer_lost");

  const reached = byNewestRules(open(machine, leaving.signal), {
    ...{ signal: leaving.signal, rules },
    refresh: async () => leaving.abort(left),
  });

  await assert.rejects(reached, left);
  assert.equal(machine.callers.length, 0);
});
