import assert from "node:assert/strict";
import { test } from "node:test";
import { consoleUrl, webSocketOf } from "./console-url.ts";

const one = { pageOrigin: "http://127.0.0.1:8080", webSocketOrigin: "http://127.0.0.1:8080" };
const project = "0b1f";

test("ticket and extra token stand in the fragment, and nothing else does", () => {
  const url = new URL(
    consoleUrl(one, { projectId: project, protocol: "rfb", ticket: "a.b..c", extra: "ä &=#+" }),
  );

  assert.equal(url.origin + url.pathname + url.search, "http://127.0.0.1:8080/p/0b1f/console.html");
  const fragment = new URLSearchParams(url.hash.slice(1));
  assert.deepEqual(
    [...fragment],
    [
      ["token", "a.b..c"],
      ["extra", "ä &=#+"],
    ],
  );
});

test("without an extra token there is no extra", () => {
  assert.equal(
    consoleUrl(one, { projectId: project, protocol: "rfb", ticket: "t" }),
    "http://127.0.0.1:8080/p/0b1f/console.html#token=t",
  );
});

const PORTS: readonly [page: string, webSocket: string, query: string][] = [
  ["http://node.example.com", "http://node.example.com:8080", "?port=8080"],
  ["https://node.example.com", "https://node.example.com:8443", "?port=8443"],
  ["https://node.example.com:8443", "https://node.example.com", "?port=443"],
  ["http://node.example.com", "http://node.example.com:80", ""],
  ["https://node.example.com:443", "https://node.example.com", ""],
  ["http://[::1]:5000", "http://[::1]:5001", "?port=5001"],
];

for (const [pageOrigin, webSocketOrigin, query] of PORTS) {
  test(`pages at ${pageOrigin} and WebSockets at ${webSocketOrigin}: ${query || "no port"} in the link`, () => {
    const url = consoleUrl(
      { pageOrigin, webSocketOrigin },
      { projectId: project, protocol: "rfb", ticket: "t" },
    );

    assert.equal(new URL(url).search, query);
  });
}

test("under a path of a front proxy pages and the WebSocket of the same port stand behind that", () => {
  const under = { ...one, publicPath: "/cloud/console" };

  assert.equal(
    consoleUrl(under, { projectId: project, protocol: "rfb", ticket: "t" }),
    "http://127.0.0.1:8080/cloud/console/p/0b1f/console.html#token=t",
  );
  assert.equal(webSocketOf(under).path, "cloud/console/websockify");
  assert.equal(webSocketOf({ ...under, webSocketOrigin: "http://127.0.0.1:8081" }).path, "websockify");
});

test("other viewers get host, port and path of the WebSocket", () => {
  const of = (webSocketOrigin: string) => webSocketOf({ ...one, webSocketOrigin });

  assert.deepEqual(of("http://192.0.2.7:8080"), { host: "192.0.2.7", port: 8080, path: "websockify" });
  assert.deepEqual(of("https://node.example.com"), {
    host: "node.example.com",
    port: 443,
    path: "websockify",
  });
  assert.deepEqual(of("http://[::1]:81"), { host: "[::1]", port: 81, path: "websockify" });
});
