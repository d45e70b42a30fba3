import assert from "node:assert/strict";
import { test } from "node:test";
import { entranceUrl, isThisPage, passOf, reopenUrl, subprotocols, webSocketUrl } from "./addresses.ts";

const PAGE = new URL("https://node.example.com/consoles/p/4f/console.html#token=x");

test("a fragment gives its ticket and its extra token, decoded", () => {
  assert.deepEqual(passOf(new URLSearchParams("token=a.b..c-_&extra=p%26%2Bw")), {
    ticket: "a.b..c-_",
    extra: "p&+w",
  });
  assert.deepEqual(passOf(new URLSearchParams("token=a")), { ticket: "a" });
});

test("a fragment without a ticket gives none", () => {
  for (const fragment of ["", "token=", "extra=x", "section-2"])
    assert.equal(passOf(new URLSearchParams(fragment)), undefined, fragment);
});

test("the WebSocket stands beside the page, whatever the prefix, with nothing of its query or fragment", () => {
  assert.equal(webSocketUrl(PAGE).href, "wss://node.example.com/consoles/p/4f/websockify");
  assert.equal(
    webSocketUrl(new URL("http://127.0.0.1/p/4f/console.html?x=1")).href,
    "ws://127.0.0.1/p/4f/websockify",
  );
});

test("another port of the WebSocket is taken from the query, and only where it is one", () => {
  const withPort = (port: string) =>
    webSocketUrl(new URL(`http://[::1]:80/p/4f/console.html?port=${port}`)).href;

  assert.equal(withPort("8080"), "ws://[::1]:8080/websockify");
  assert.equal(withPort("evil.example"), "ws://[::1]/p/4f/websockify");
  assert.equal(withPort("99999"), "ws://[::1]/p/4f/websockify");
});

test("another entrance has the same page, behind whatever path it has itself", () => {
  const at = (entrance: string) => entranceUrl(entrance, PAGE, "c/1").href;

  assert.equal(at("https://other.example.com"), "https://other.example.com/p/4f/console.html#reopen=c%2F1");
  assert.equal(
    at("https://other.example.com/cloud/console"),
    "https://other.example.com/cloud/console/p/4f/console.html#reopen=c%2F1",
  );
});

test("reopening stands beside the page as well", () => {
  assert.equal(
    reopenUrl(new URL(`${PAGE.origin}${PAGE.pathname}?port=1`)).href,
    "https://node.example.com/consoles/p/4f/reopen",
  );
});

test("ticket and extra token travel as sub-protocols of characters that a header may have", () => {
  assert.deepEqual(subprotocols({ ticket: "e30.x" }), ["porthole.v1", "porthole.ticket.e30.x"]);

  const extra = subprotocols({ ticket: "t", extra: "ü?>/+=" }).at(-1);
  assert.equal(extra, `porthole.extra.${Buffer.from("ü?>/+=").toString("base64url")}`);
});

test("an address of the same page is this page, also under the prefix of a front proxy", () => {
  const same = (other: string) => isThisPage(PAGE, new URL(other));

  assert.ok(same("https://node.example.com/consoles/p/4f/console.html?port=8#token=y"));
  assert.ok(same("https://node.example.com/p/4f/console.html#token=y"));
  assert.ok(!same("https://node.example.com/p/50/console.html#token=y"));
  assert.ok(!same("https://other.example.com/consoles/p/4f/console.html#token=y"));
  assert.ok(!same("http://node.example.com/consoles/p/4f/console.html#token=y"));
  assert.ok(!same("https://node.example.com/"));
});
