import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { latin1 } from "./bytes.ts";
import { ProtocolError } from "./protocol-error.ts";
import { type Sequence, SequenceDriver } from "./sequence.ts";

/** A length byte, then that many characters. */
function* word(): Sequence<string> {
  const [length = 0] = yield { bytes: 1 };
  return latin1(yield { bytes: length });
}

test("a sequence gets its exact counts however the bytes are cut, and the rest is kept", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.array(fc.integer({ min: 1, max: 9 })), (rest, cuts) => {
      const driver = new SequenceDriver(word());
      const stream = Uint8Array.of(5, ...Buffer.from("hello"), ...rest);

      let offset = 0;
      for (const size of [...cuts, stream.length]) {
        driver.push(stream.subarray(offset, offset + size));
        offset = Math.min(offset + size, stream.length);
      }

      assert.equal(driver.result, "hello");
      assert.deepEqual(driver.rest, rest);
      assert.equal(driver.rest.length, 0, "the rest is handed over once");
    }),
  );
});

test("a sequence that needs nothing is done at once", () => {
  // biome-ignore lint/correctness/useYield: needing nothing is the point.
  function* nothing(): Sequence<number> {
    return 7;
  }

  assert.equal(new SequenceDriver(nothing()).result, 7);
});

test("asking for zero bytes waits for nothing", () => {
  const driver = new SequenceDriver(word());

  driver.push(Uint8Array.of(0));

  assert.equal(driver.result, "");
});

test("the result of an unfinished sequence cannot be taken", () => {
  const driver = new SequenceDriver(word());

  assert.equal(driver.done, false);
  assert.throws(() => driver.result, /not done/);
});

test("a need beyond the bound is a protocol error, so that no peer can make us buffer without end", () => {
  function* greedy(): Sequence<Uint8Array> {
    return yield { bytes: 0xffff_ffff };
  }

  assert.throws(() => new SequenceDriver(greedy()), ProtocolError);
});
