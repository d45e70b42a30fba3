import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostPort } from "#base/config.ts";
import { Peers } from "./peers.ts";

const HERE: HostPort = { host: "192.0.2.1", port: 9000 };
const MOVED: HostPort = { host: "192.0.2.2", port: 9000 };

function peersOf(learned: Readonly<Record<string, HostPort>> = {}) {
  const known = new Map([["known", HERE]]);
  let asked = 0;
  const refresh = async () => {
    asked += 1;
    for (const [nodeId, address] of Object.entries(learned)) known.set(nodeId, address);
  };
  return { peers: new Peers({ known: () => known, refresh }), asked: () => asked };
}

test("a node that is known is found without asking control", async () => {
  const { peers, asked } = peersOf();

  assert.deepEqual(await peers.find("known"), { nodeId: "known", address: HERE });
  assert.equal(asked(), 0);
});

test("one that is not known, or may have moved, is found as control says now", async () => {
  const { peers, asked } = peersOf({ known: MOVED, new: HERE });

  assert.deepEqual(await peers.find("new"), { nodeId: "new", address: HERE });
  assert.deepEqual(await peers.findAnew("known"), { nodeId: "known", address: MOVED });
  assert.equal(await peers.find("unknown"), undefined);
  assert.equal(asked(), 3);
});
