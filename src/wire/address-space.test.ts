import assert from "node:assert/strict";
import { test } from "node:test";
import { addressSpaceOf, isMorePrivate, mostPrivate } from "./address-space.ts";

test("addresses are told apart as browsers do", () => {
  const spaces: Readonly<Record<string, readonly string[]>> = {
    loopback: ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"],
    local: ["10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.1.1", "100.64.0.1", "fd00::1", "fe80::1"],
    public: ["8.8.8.8", "2001:4860:4860::8888", "172.32.0.1"],
  };

  for (const [space, addresses] of Object.entries(spaces))
    for (const address of addresses) assert.equal(addressSpaceOf(address), space, address);
  assert.equal(addressSpaceOf("console.example"), undefined);
});

test("of several addresses the most private counts, since the browser may take that", () => {
  assert.equal(mostPrivate(["8.8.8.8", "10.0.0.1"]), "local");
  assert.equal(mostPrivate([]), undefined);
  assert.deepEqual(
    [isMorePrivate("local", "public"), isMorePrivate("public", "local"), isMorePrivate("local", "local")],
    [true, false, false],
  );
});
