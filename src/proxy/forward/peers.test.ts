import assert from "node:assert/strict";
import { test } from "node:test";
import type { HostPort } from "#base/config.ts";
import { Peers } from "./peers.ts";

const HERE: HostPort = { host: "192.0.2.1", port: 9000 };

function startPeers(learned: readonly string[] = []) {
  const known = new Map([["known", HERE]]);
  let asked = 0;
  const lifetime = new AbortController();
  const peers = new Peers({
    known: () => known,
    refresh: async () => {
      asked += 1;
      for (const nodeId of learned) known.set(nodeId, HERE);
    },
    signal: lifetime.signal,
  });
  return { peers, asked: () => asked, [Symbol.dispose]: () => lifetime.abort() };
}

test("a node that is known is found without asking control", async () => {
  using own = startPeers();

  assert.deepEqual(await own.peers.find("known"), { nodeId: "known", address: HERE });
  assert.equal(own.asked(), 0);
});

test("control is asked once for all who come at the same time, and its answer is theirs", async () => {
  using own = startPeers(["new"]);

  const found = await Promise.all(Array.from({ length: 20 }, async () => await own.peers.find("new")));

  assert.ok(found.every((peer) => peer?.address === HERE));
  assert.equal(own.asked(), 1);
});

test("of a flood of unknown nodes few wait for control, and the rest are told at once", async () => {
  using own = startPeers();
  await own.peers.find("unknown");
  let answered = 0;
  const flood = Array.from({ length: 1000 }, async () => {
    await own.peers.find("unknown");
    answered += 1;
  });

  await new Promise(setImmediate);
  assert.equal(answered, 1000 - 64);
  await Promise.all(flood);

  assert.equal(own.asked(), 2);
});

test("control that cannot be asked leaves what is known, and is asked again by the next", async () => {
  let asked = 0;
  const peers = new Peers({
    known: () => new Map(),
    refresh: async () => {
      asked += 1;
      throw new Error("not there");
    },
    signal: new AbortController().signal,
  });

  assert.equal(await peers.find("a"), undefined);
  assert.equal(await peers.find("b"), undefined);
  assert.equal(asked, 2);
});

test("who waits for control when the node stops waits no longer", async () => {
  const own = startPeers();
  await own.peers.find("unknown");
  const waiting = own.peers.find("unknown");

  own[Symbol.dispose]();

  assert.equal(await waiting, undefined);
  assert.equal(own.asked(), 1);
});
