import assert from "node:assert/strict";
import { test } from "node:test";
import { Pulse, pulseLimits } from "./pulse.ts";

/** A pulse whose pings were each answered after so many milliseconds. */
function measured(...roundTrips: readonly number[]): { readonly pulse: Pulse; readonly now: number } {
  const pulse = new Pulse();
  let now = 1_000;
  for (const ms of roundTrips) {
    const id = pulse.ping(now);
    now += ms;
    pulse.pong(id, now);
  }
  return { pulse, now };
}

test("before the first answer the health is unknown", () => {
  const pulse = new Pulse();
  pulse.ping(0);

  assert.deepEqual(pulse.health(10), { word: "unknown" });
});

test("the word follows the round trip", () => {
  for (const [ms, word] of [
    [12, "good"],
    [pulseLimits.goodMs + 1, "fair"],
    [pulseLimits.fairMs + 1, "slow"],
  ] as const) {
    const { pulse, now } = measured(ms);

    assert.deepEqual(pulse.health(now), { word, roundTripMs: ms });
  }
});

test("one slow answer among quick ones does not make the connection slow", () => {
  const { pulse, now } = measured(20, 20, 400, 20);

  assert.equal(pulse.health(now).word, "fair");
});

test("without an answer the node is silent, and with one it is heard again", () => {
  const { pulse, now } = measured(20);
  const id = pulse.ping(now);
  const later = now + pulseLimits.silentAfterMs;

  assert.deepEqual(pulse.health(later), { word: "silent" });

  pulse.pong(id, later);
  assert.notEqual(pulse.health(later).word, "silent");
});

test("an answer to a later ping answers the earlier ones", () => {
  const pulse = new Pulse();
  pulse.ping(0);
  const second = pulse.ping(5_990);
  pulse.pong(second, 6_000);

  assert.deepEqual(pulse.health(pulseLimits.silentAfterMs + 1_000), { word: "good", roundTripMs: 10 });
});

test("answers that nobody asked for change nothing", () => {
  const pulse = new Pulse();
  pulse.pong(7, 0);

  assert.deepEqual(pulse.health(0), { word: "unknown" });
});

test("a connection is lost only after many pings over a long time", () => {
  const slept = new Pulse();
  slept.ping(0);
  assert.ok(!slept.isLost(3_600_000), "a laptop that slept");

  const dead = new Pulse();
  for (let ping = 0; ping < pulseLimits.lostAfterPings; ping++) dead.ping(ping * pulseLimits.pingEveryMs);
  assert.ok(!dead.isLost(pulseLimits.lostAfterMs - 1));
  assert.ok(dead.isLost(pulseLimits.lostAfterMs));
});
