import assert from "node:assert/strict";
import { test } from "node:test";
import { checkOrigin } from "./origin.ts";

const own = { pageOrigin: "https://node.example.com", webSocketOrigin: "https://ws.example.com:8443" };
const allowed = new Set(["https://portal.example.com", "http://[2001:db8::1]:8000"]);

const ACCEPTED = [
  undefined,
  "https://node.example.com",
  "https://node.example.com:8443",
  "https://ws.example.com",
  "https://portal.example.com",
  "http://[2001:db8::1]:8000",
];

for (const origin of ACCEPTED) {
  test(`the origin ${origin} is accepted`, () => {
    checkOrigin(origin, [own], allowed);
  });
}

const REFUSED = [
  "",
  "null",
  "https://evil.example",
  "https://node.example.com.evil.example",
  "https://evil.example/https://node.example.com",
  "https://evilnode.example.com",
  "https://node.example.com@evil.example",
  "http://node.example.com",
  "https://NODE.example.com",
  "HTTPS://node.example.com",
  "https://node.example.com/",
  "https://node.example.com:443",
  "https://node.example.com?",
  "https://node.example.com, https://evil.example",
  "https://evil.example https://node.example.com",
  " https://node.example.com",
  "https://node.example.com.",
  "https://portal.example.com:444",
  "http://portal.example.com",
  "http://[2001:db8::1]",
  "http://[2001:DB8::1]:8000",
  "http://[2001:db8:0::1]:8000",
  "chrome-extension://node.example.com",
  "file://",
  "node.example.com",
];

for (const origin of REFUSED) {
  test(`the origin “${origin}” is refused`, () => {
    assert.throws(() => checkOrigin(origin, [own], allowed), { code: "origin_refused" });
  });
}

test("a node that is found under several names takes the pages of all of them", () => {
  const named = {
    pageOrigin: "http://1-2-3-4.example.com",
    webSocketOrigin: "http://1-2-3-4.example.com:81",
  };

  for (const { pageOrigin } of [own, named]) checkOrigin(pageOrigin, [named, own], new Set());
  assert.throws(() => checkOrigin("http://example.com", [named, own], new Set()), { code: "origin_refused" });
});

test("where a browser brings along what the page does not know, the page has to be the node's own or an allowed one, port and all", () => {
  const judge = (origin: string | undefined) => checkOrigin(origin, [own], allowed, "itself");

  for (const origin of [undefined, "https://node.example.com", "https://ws.example.com:8443", ...allowed])
    judge(origin);
  for (const origin of ["https://node.example.com:8443", "https://ws.example.com", "http://node.example.com"])
    assert.throws(() => judge(origin), { code: "origin_refused" }, origin);
});
