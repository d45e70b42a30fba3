import assert from "node:assert/strict";
import { test } from "node:test";
import { loadControlConfig } from "./config.ts";

test("a Nova API that whoever comes may use is for this machine alone, and has no address for others", () => {
  const load = (...args: readonly string[]) =>
    loadControlConfig(["--data", "data", "--nova-token-file", "token", ...args]);

  for (const address of [
    "0.0.0.0:0",
    "[::]:0",
    "0.1.2.3:0",
    "192.0.2.1:0",
    "[2002:7f00:1::1]:0",
    "localhost:0",
  ])
    assert.throws(() => load("--nova-listen", address), /--nova-listen must be a loopback address/, address);
  assert.throws(() => load(), /--nova-listen must be a loopback address/);
  assert.throws(
    () => load("--nova-listen", "127.0.0.1:0", "--nova-public-url", "https://nova.example.com"),
    /leave out --nova-public-url/,
  );
  for (const address of ["127.0.0.1:0", "[::1]:0"]) assert.ok("config" in load("--nova-listen", address));
});
