import assert from "node:assert/strict";
import { test } from "node:test";
import { childEnvironment, loadStartConfig } from "./config.ts";

test("processes are given what every program needs of the environment, and nothing else", () => {
  const needed = {
    PATH: "/bin",
    HOME: "/home/a",
    USER: "a",
    TZ: "UTC",
    LANG: "C",
    LC_ALL: "C.UTF-8",
    TMPDIR: "/tmp",
    NODE_EXTRA_CA_CERTS: "/ca.pem",
  };
  const others = {
    PORTHOLE_SECRET_KEY: "s",
    PORTHOLE_PROXY_MAX_SESSIONS: "1",
    AWS_SECRET_ACCESS_KEY: "s",
    MY_PATH: "/x",
    PATHS: "/x",
  };

  assert.deepEqual(childEnvironment({ ...needed, ...others }), needed);
});

test("a port that whoever reaches it is the administrator at is on this machine alone", () => {
  const load = (...args: readonly string[]) => loadStartConfig(["--nova-open", ...args]);

  for (const nova of [
    [],
    ["--nova", "0.0.0.0:8774"],
    ["--nova", "192.0.2.1:0"],
    ["--nova", "0.1.2.3:0"],
    ["--nova", "localhost:0"],
  ])
    assert.throws(() => load(...nova), /--nova-open needs --nova with a loopback address/);
  for (const nova of ["127.0.0.1:0", "[::1]:8774"]) assert.ok(!("help" in load("--nova", nova)));
});
