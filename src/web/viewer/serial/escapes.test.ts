import assert from "node:assert/strict";
import { test } from "node:test";
import headless from "@xterm/headless";
import { clipboardOf, escapeLimits, guardEscapes, titleOf, webAddress } from "./escapes.ts";

test("a title is short, and holds nothing that is not to be seen", () => {
  assert.equal(titleOf("root@web-1: ~"), "root@web-1: ~");
  assert.ok(titleOf("x".repeat(1_000_000)).length <= escapeLimits.titleCharacters);
  assert.equal(titleOf("a\u202eb\x07c\nd"), "a b c d");
});

test("only addresses of the web are followed", () => {
  assert.equal(webAddress("https://example.com/a?b"), "https://example.com/a?b");
  assert.equal(webAddress("http://example.com"), "http://example.com/");
  for (const address of [
    "",
    "javascript:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "//example.com",
    "vbscript:x",
    " java\tscript:alert(1)",
  ])
    assert.equal(webAddress(address), undefined, address);
});

test("an address is shown as the browser goes to it", () => {
  assert.equal(webAddress("https://exаmple.com@evil.example/"), "https://ex%D0%B0mple.com@evil.example/");
  assert.match(webAddress("https://exаmple.com/") ?? "", /^https:\/\/xn--/);
});

test("text for the clipboard is decoded, and the question for what it holds is not heard", () => {
  assert.equal(clipboardOf(`c;${btoa("hello")}`), "hello");
  assert.equal(clipboardOf("c;?"), undefined);
  assert.equal(clipboardOf("c;"), undefined);
  assert.equal(clipboardOf("c;!!!"), undefined);
  assert.equal(clipboardOf(`c;${btoa("\xff\xfe")}`), undefined, "what is no UTF-8");
  assert.equal(clipboardOf(`c;${"A".repeat(escapeLimits.clipboardCharacters + 4)}`), undefined);
});

test("links are kept up to a bound, and then are text like any other", async () => {
  const terminal = new headless.Terminal({ allowProposedApi: true });
  guardEscapes(terminal, { titled: () => {}, copied: () => {} });
  const links = Array.from(
    { length: 2 * escapeLimits.links },
    (_, index) => `\r\x1b]8;;https://example.com/${index}\x07link ${index}\x1b]8;;\x07`,
  );

  await new Promise<void>((resolve) => terminal.write(links.join(""), resolve));

  assert.equal(terminal.markers.length, escapeLimits.links);
  const text = terminal.buffer.active.getLine(0)?.translateToString(true);
  assert.equal(text, `link ${2 * escapeLimits.links - 1}`);
});
