import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { NodeTicketKey } from "#wire/link.ts";
import { HeldKeys } from "./held-keys.ts";

const [one, two, three] = [1, 2, 3].map(key) as [NodeTicketKey, NodeTicketKey, NodeTicketKey];

test("what control gives no more is forgotten", () => {
  const held = HeldKeys.none.with([two, one]).with([three, two]);

  assert.deepEqual(kids(held), ["3", "2"]);
  assert.equal(held.newest, 3);
});

test("an answer that was overtaken takes no newer key away, and what is said to be held is what it gave", () => {
  const held = HeldKeys.none.with([two, one]).with([one]);

  assert.deepEqual(kids(held), ["2", "1"]);
  assert.equal(held.newest, 1);
});

test("control's word on a generation is the last: its database may be an older one again", () => {
  const before = HeldKeys.none.with([two, one]);
  const again = { ...key(2), kid: "2" };

  const held = before.with([one]).with([again, one]);

  assert.deepEqual(kids(held), ["2", "1"]);
  assert.notEqual(held.keys[0]?.aead, before.keys[0]?.aead);
});

test("however many come, eight are held", () => {
  let held = HeldKeys.none;
  for (let newest = 30; newest > 0; newest--) held = held.with([key(newest)]);

  assert.equal(held.keys.length, 8);
});

function key(generation: number): NodeTicketKey {
  return { generation, kid: String(generation), key: randomBytes(32).toString("base64url") };
}

function kids(held: HeldKeys): readonly string[] {
  return held.keys.map(({ kid }) => kid);
}
