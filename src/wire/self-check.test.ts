import assert from "node:assert/strict";
import { test } from "node:test";
import { placesOf, shownFacts, toLine } from "./self-check.ts";

test("of several nodes each line says which one it is of, since their addresses may be the same", () => {
  const line = (nodeId: string, check = "node.page") =>
    toLine({ check, nodeId, subject: "https://console.example", finding: "ok", facts: { status: "200" } });
  const shown = (lines: readonly ReturnType<typeof line>[]) => lines.map(shownFacts(lines));

  assert.deepEqual(shown([line("one"), line("one")]), [[["status", "200"]], [["status", "200"]]]);
  assert.deepEqual(shown([line("one"), line("two", "control.link"), line("one", "client.page")]), [
    [
      ["status", "200"],
      ["node", "one"],
    ],
    [
      ["status", "200"],
      ["node", "two"],
    ],
    [["status", "200"]],
  ]);
});

test("what is looked at stands below the path of a front proxy, and at a port of its own at the root", () => {
  const pageOrigin = "https://console.example";
  const places = (webSocketOrigin: string, publicPath?: string) =>
    Object.values(
      placesOf({ pageOrigin, webSocketOrigin, ...(publicPath === undefined ? {} : { publicPath }) }),
    ).map(String);

  assert.deepEqual(places(pageOrigin, "/console"), [
    "https://console.example/console/p/self-check/console.html",
    "https://console.example/console/p/self-check/self-check",
    "https://console.example/console/p/self-check/websockify",
  ]);
  assert.deepEqual(places("https://console.example:8443"), [
    "https://console.example/p/self-check/console.html",
    "https://console.example/p/self-check/self-check",
    "https://console.example:8443/websockify",
  ]);
});
