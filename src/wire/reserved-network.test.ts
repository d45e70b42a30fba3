import assert from "node:assert/strict";
import { test } from "node:test";
import { isThisMachineAlone } from "./reserved-network.ts";

test("this machine alone is reached at what never leaves one, and at nothing that only has such an address in it", () => {
  for (const here of [
    "127.0.0.1",
    "127.9.9.9",
    "::1",
    "0:0:0:0:0:0:0:1",
    "::ffff:127.0.0.1",
    "::ffff:7f00:1",
  ])
    assert.ok(isThisMachineAlone(here), here);
  const elsewhere = [
    ...["0.0.0.0", "::", "::ffff:0.0.0.0", "*", "0"], // every address
    ...[
      "0.1.2.3",
      "2002:7f00:1::1",
      "64:ff9b::7f00:1",
      "64:ff9b:1::7f00:1",
      "::7f00:1",
      "::ffff:0:7f00:1",
      "::2",
    ],
    ...["192.0.2.1", "169.254.0.1", "fe80::1", "2001:db8::1"],
    ...["localhost", "127.0.0.1.example.com", "127.1", "0177.0.0.1", "2130706433", "127.0.0.1%lo", ""],
  ];
  for (const host of elsewhere) assert.ok(!isThisMachineAlone(host), host);
});
