import assert from "node:assert/strict";
import { test } from "node:test";
import { Type } from "typebox";
import { Compile } from "typebox/schema";
import { fromGranted, Grant, toGranted, type Upstream } from "./grant.ts";
import { ALL_RIGHTS } from "./rights.ts";

/** What a node of the version before upstreams had TLS takes for an upstream: it passes over what it does not know. */
const OLDER_UPSTREAM = Compile(
  Type.Object({
    address: Type.Union([
      Type.Object({ kind: Type.Literal("tcp"), host: Type.String(), port: Type.Integer() }),
      Type.Object({ kind: Type.Literal("unix"), path: Type.String() }),
    ]),
    password: Type.Optional(Type.String()),
  }),
);
const GRANT = Compile(Grant);

const address = { kind: "tcp", host: "10.0.0.7", port: 5900 } as const;
const client = { certificate: "pem", key: "pem" };

const GUARDED: Readonly<Record<string, Upstream>> = {
  "TLS that is verified": { address, tls: { mode: "verify", serverName: "kvm" } },
  "a pin and a client certificate": { address, tls: { mode: "pin", pin: "sha1:00", client } },
  "any TLS": { address, password: "p", tls: { mode: "insecure" } },
  "TLS from the first byte on": {
    address: { kind: "tls", host: "h", port: 1 },
    tls: { mode: "insecure" },
  },
  "a WebSocket": { address: { kind: "websocket", host: "h", port: 1, path: "/", isSecure: false } },
  "a console by CONNECT": {
    address: { kind: "http-connect", host: "h", port: 1, path: "/console?uuid=1", isSecure: true },
    tls: { mode: "insecure" },
  },
  "a line of telnet": { address, telnet: true },
  "an account": { address, username: "u", password: "p" },
};

for (const [title, upstream] of Object.entries(GUARDED)) {
  test(`${title} is nothing that an older node would connect without`, () => {
    const granted = toGranted(upstream);

    assert.ok(!OLDER_UPSTREAM.Check(granted));
    assert.deepEqual(fromGranted(granted), upstream);
    assert.ok(GRANT.Check(grantOf(granted)));
  });
}

test("what demands nothing new is granted as it ever was", () => {
  const upstream = { address, password: "p" };

  assert.deepEqual(toGranted(upstream), upstream);
  assert.ok(OLDER_UPSTREAM.Check(toGranted(upstream)));
  assert.deepEqual(fromGranted(toGranted(upstream)), upstream);
});

test("a header that would be two is none", () => {
  const address = { kind: "http-connect", host: "h", port: 1, path: "/", isSecure: true } as const;
  const granted = (value: string) =>
    grantOf({ guarded: { address: { ...address, headers: { Cookie: value } } } });

  assert.ok(GRANT.Check(granted("session_id=1")));
  assert.ok(!GRANT.Check(granted("session_id=1\r\nX: y")));
  assert.ok(!GRANT.Check(grantOf({ guarded: { address: { ...address, path: "/ HTTP/1.1\r\n" } } })));
});

test("a grant without an upstream is none", () => {
  assert.ok(!GRANT.Check(grantOf({})));
  assert.ok(!GRANT.Check(grantOf({ guarded: { address, tls: { mode: "none" } } })));
});

function grantOf(upstream: unknown) {
  const machine = { id: "m", name: "m" };
  return {
    sessionId: "s",
    attachment: 1,
    machine,
    protocol: "rfb",
    upstream,
    rights: ALL_RIGHTS,
    reopen: "r",
  };
}
