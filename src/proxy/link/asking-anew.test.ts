import assert from "node:assert/strict";
import { test } from "node:test";
import { AskingAnew } from "./asking-anew.ts";

function start(answer: () => void = () => {}) {
  let asked = 0;
  const lifetime = new AbortController();
  const ask = async () => {
    asked += 1;
    answer();
  };
  return {
    anew: new AskingAnew({ ask, signal: lifetime.signal }),
    asked: () => asked,
    [Symbol.dispose]: () => lifetime.abort(),
  };
}

test("control is asked once for all who come at the same time", async () => {
  using own = start();

  await Promise.all(Array.from({ length: 20 }, async () => await own.anew.settled()));

  assert.equal(own.asked(), 1);
});

test("of a flood few wait for control, and the rest are told at once", async () => {
  using own = start();
  await own.anew.settled();
  let answered = 0;
  const flood = Array.from({ length: 1000 }, async () => {
    await own.anew.settled();
    answered += 1;
  });

  await new Promise(setImmediate);
  assert.equal(answered, 1000 - 64);
  await Promise.all(flood);

  assert.equal(own.asked(), 2);
});

test("control that cannot be asked is asked again by the next", async () => {
  using own = start(() => {
    throw new Error("not there");
  });

  await own.anew.settled();
  await own.anew.settled();

  assert.equal(own.asked(), 2);
});

test("who waits for control when the node stops waits no longer", async () => {
  const own = start();
  await own.anew.settled();
  const waiting = own.anew.settled();

  own[Symbol.dispose]();

  await waiting;
  assert.equal(own.asked(), 1);
});
