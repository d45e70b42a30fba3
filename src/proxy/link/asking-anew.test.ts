import assert from "node:assert/strict";
import { test } from "node:test";
import { AskingAnew } from "./asking-anew.ts";

function start(answer: () => void | Promise<void> = () => {}) {
  let asked = 0;
  const lifetime = new AbortController();
  const ask = async () => {
    asked += 1;
    await answer();
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

test("a question that fails late leaves the next to be asked once for all who wait", async () => {
  const [begun, late] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let isFirst = true;
  using own = start(async () => {
    if (!isFirst) return;
    isFirst = false;
    begun.resolve();
    await late.promise;
  });
  const first = own.anew.settled();
  await begun.promise;
  const second = own.anew.settled();
  late.reject(new Error("not there"));
  await first;

  await Promise.all([second, own.anew.settled(), own.anew.settled()]);

  assert.equal(own.asked(), 2);
});

test("who has left makes room for others", async () => {
  const answer = Promise.withResolvers<void>();
  using own = start(async () => await answer.promise);
  const leaving = new AbortController();
  const left = Array.from({ length: 64 }, async () => await own.anew.settled(leaving.signal));
  leaving.abort();
  await Promise.all(left);
  let isAnswered = false;
  const waiting = own.anew.settled().then(() => {
    isAnswered = true;
  });

  await new Promise(setImmediate);
  assert.equal(isAnswered, false);
  answer.resolve();
  await waiting;
});

test("where control says nothing nobody is kept for longer than some seconds", async () => {
  using own = start(async () => await new Promise<never>(() => {}));

  await own.anew.settled();

  assert.equal(own.asked(), 1);
});
