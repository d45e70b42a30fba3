import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { AcmeError, type AcmeFault } from "#tls/acme/acme-error.ts";
import { failureOf } from "./words.ts";

const DNS = { kind: "challenge", name: "console.example", others: [], challenge: "dns-01" } as const;
const HTTP = { ...DNS, challenge: "http-01" } as const;
const missing = { type: "unauthorized", detail: "No TXT record found" };

for (const [what, fault, words] of [
  ["a missing record", { ...DNS, problem: missing }, /yours: “No TXT record found”; see that .* delegated/],
  ["a name that leads nowhere", { ...HTTP, problem: { type: "dns", detail: "NXDOMAIN" } }, /leads to nodes/],
  ["a closed port", { ...HTTP, problem: { type: "connection", detail: "refused" } }, /see that port 80/],
  ["another answer", { ...HTTP, problem: { type: "unauthorized", detail: "404" } }, /see that port 80/],
  ["CAA", { ...DNS, problem: { type: "caa", detail: "no" } }, /“no”; see the setting dns\.caa$/],
  [
    "two names of three",
    { ...HTTP, others: ["a", "b"], problem: missing },
    /example and 2 more are yours: “No/,
  ],
  ["no reason at all", { ...DNS, problem: undefined }, /is yours, and does not say why; see that/],
  [
    "a refused account",
    { kind: "refused", status: 403, problem: { type: "unauthorized", detail: "account is revoked" } },
    /“account is revoked”; .* “porthole acme disable” and configure anew/,
  ],
  ["a page", { kind: "refused", status: 404, problem: undefined }, /no ACME \(HTTP 404\): .*directory URL/],
  [
    "an outage",
    { kind: "refused", status: 503, problem: undefined, retryAfterMs: 60_000 },
    /^the authority is out of order \(HTTP 503\); it asks to be left alone for a minute$/,
  ],
  [
    "too many questions",
    { kind: "refused", status: 429, problem: undefined, retryAfterMs: 61_000 },
    /too much for now \(HTTP 429\); .* for 2 minutes$/,
  ],
  ["an order that failed", { kind: "refused", status: 0, problem: undefined }, /refuses the order, and/],
] as const satisfies readonly (readonly [string, AcmeFault, RegExp])[])
  test(`${what} is told in words that say what to do`, () => {
    const told = failureOf(new AcmeError(fault)).words;

    assert.match(told, words);
    assert.doesNotMatch(told, /unknown|undefined/);
  });

for (const fault of [
  { ...DNS, problem: { type: "dns", detail: "x".repeat(1_000) } },
  { kind: "terms", url: `https://example.com/${"x".repeat(2_000)}` },
  { kind: "refused", status: 403, problem: { type: "unauthorized", detail: "x".repeat(1_000) } },
] as const satisfies readonly AcmeFault[])
  test(`what an authority says of ${fault.kind} is cut, and not what to do`, () => {
    const told = failureOf(new AcmeError(fault)).words;

    assert.equal(told.length, 300);
    assert.match(told, /x…[”,]/);
    assert.doesNotMatch(told, /…$/);
  });

test("time that runs out while an authority is waited for is its fault, not ours", async () => {
  const waiting = delay(3_600_000, undefined, { signal: AbortSignal.timeout(1) });

  const { words } = await waiting.then(() => assert.fail(), failureOf);

  assert.match(words, /^the authority did not come to an end in time/);
});
