import assert from "node:assert/strict";
import { test } from "node:test";
import { Shares } from "./shares.ts";

/** Takes what there is to be had from one address, and says how much that was. */
function takeAll(shares: Shares, address: string): (() => void)[] {
  const taken: (() => void)[] = [];
  for (let place = shares.enter(address); typeof place === "function"; place = shares.enter(address))
    taken.push(place);
  return taken;
}

test("one address gets half of the places, and several who take all they can leave room for another", () => {
  const shares = new Shares(64);

  const sizes = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map((address) => takeAll(shares, address).length);

  assert.deepEqual(sizes, [32, 16, 8]);
  assert.equal(shares.enter("192.0.2.1"), "enough");
  assert.equal(typeof shares.enter("192.0.2.4"), "function");
});

test("the addresses of one host are one, in IPv6 as mapped into it", () => {
  const shares = new Shares(8);
  takeAll(shares, "2001:db8::1");
  assert.equal(shares.enter("2001:db8::ffff:2"), "enough");
  takeAll(shares, "192.0.2.1");

  assert.equal(shares.enter("::ffff:192.0.2.1"), "enough");
});

test("a place that is left is free again, once", () => {
  const shares = new Shares(2);
  const [leave] = takeAll(shares, "192.0.2.1");
  const other = shares.enter("192.0.2.2");
  assert.equal(typeof other, "function");
  assert.equal(shares.enter("192.0.2.3"), "full");

  leave?.();
  leave?.();

  assert.equal(shares.size, 1);
  assert.equal(typeof shares.enter("192.0.2.3"), "function");
  assert.equal(shares.enter("192.0.2.4"), "full");
});
