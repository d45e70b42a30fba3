import assert from "node:assert/strict";
import { test } from "node:test";
import { checkWebSocketHandshake } from "./websocket-handshake.ts";

const GOOD = { "sec-websocket-version": "13", "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==" } as const;

test("a good handshake passes", () => {
  checkWebSocketHandshake({ method: "GET", headers: GOOD });
});

const BAD: readonly [what: string, method: string, headers: Record<string, string>][] = [
  ["another method", "POST", GOOD],
  ["no version", "GET", { "sec-websocket-key": GOOD["sec-websocket-key"] }],
  ["an old version", "GET", { ...GOOD, "sec-websocket-version": "8" }],
  ["no key", "GET", { "sec-websocket-version": "13" }],
  ["a short key", "GET", { ...GOOD, "sec-websocket-key": "AAAA" }],
  [
    "a key with something behind it",
    "GET",
    { ...GOOD, "sec-websocket-key": `${GOOD["sec-websocket-key"]}, x` },
  ],
];

for (const [what, method, headers] of BAD) {
  test(`a handshake with ${what} is refused`, () => {
    assert.throws(() => checkWebSocketHandshake({ method, headers }), { code: "request_invalid" });
  });
}
