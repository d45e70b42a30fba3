import assert from "node:assert/strict";
import { test } from "node:test";
import { childEnvironment } from "./config.ts";

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
