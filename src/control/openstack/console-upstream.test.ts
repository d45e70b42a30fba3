import assert from "node:assert/strict";
import { test } from "node:test";
import { consoleUpstream } from "./console-upstream.ts";

const AT = { instance_uuid: "i", host: "192.0.2.7", port: 5901, internal_access_path: null };

test("what Nova says of a console is where a node finds it", () => {
  const vnc = { ca: "PEM" };
  const plain = { kind: "tcp", host: "192.0.2.7", port: 5901 };

  assert.deepEqual(consoleUpstream(AT, { console: "rfb", vnc: undefined }), { address: plain });
  assert.deepEqual(consoleUpstream(AT, { console: "rfb", vnc }), {
    address: plain,
    tls: { mode: "verify", serverName: "192.0.2.7", ca: "PEM" },
  });
  assert.deepEqual(consoleUpstream(AT, { console: "serial", vnc }), { address: plain });
  assert.deepEqual(
    consoleUpstream({ ...AT, internal_access_path: "/c?ref=1" }, { console: "rfb", vnc: undefined }),
    { address: { ...plain, kind: "http-connect", path: "/c?ref=1", isSecure: false } },
  );
});

test("what can be no such console is refused, and nothing is dialled", () => {
  for (const [connection, console] of [
    [{ ...AT, host: null }, "rfb"],
    [{ ...AT, port: null }, "serial"],
    [{ ...AT, internal_access_path: '{"ticket":"x"}' }, "rfb"],
    [{ ...AT, internal_access_path: "/c\r\nHost: x" }, "rfb"],
    [{ ...AT, internal_access_path: "/c" }, "serial"],
  ] as const)
    assert.throws(() => consoleUpstream(connection, { console, vnc: undefined }), {
      code: "nova_console_unfit",
    });
});
