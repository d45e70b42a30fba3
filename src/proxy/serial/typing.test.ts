import assert from "node:assert/strict";
import { test } from "node:test";
import { LineTap } from "./tap.ts";
import { Typing } from "./typing.ts";

/** A line that takes so many chunks until it is full, and a log of what was written to it and of whom that was told. */
function startLine(room: number) {
  const log: string[] = [];
  let left = room;
  const speech = {
    get isFull() {
      return left === 0;
    },
    type: (bytes: Uint8Array) => {
      log.push(Buffer.from(bytes).toString());
      left -= 1;
      return left > 0;
    },
  };
  const typing = new Typing(speech);
  return {
    ...{ log, typing },
    type: (tap: LineTap, text: string) =>
      typing.type(tap, { bytes: Buffer.from(text), taken: () => void log.push(`${text} is taken`) }),
    drain: (more: number) => {
      left = more;
      typing.drained();
    },
  };
}

const newTap = () => new LineTap({ typed: () => {}, resumed: () => {}, left: () => {} });

test("what several typed while a line took nothing goes out in that order, before whoever was at it types on", () => {
  const line = startLine(1);
  const [one, two, three] = [newTap(), newTap(), newTap()];
  line.type(one, "a");
  line.type(two, "b");
  line.type(three, "c");
  assert.deepEqual(line.log, ["a"]);

  line.drain(1);
  line.drain(3);

  assert.deepEqual(line.log, ["a", "b", "a is taken", "c", "c is taken", "b is taken"]);
});

test("what waits of who leaves is typed no more, and nobody waits for a line that is over", () => {
  const line = startLine(1);
  const [one, two, three] = [newTap(), newTap(), newTap()];
  line.type(one, "a");
  line.type(two, "b");
  line.type(three, "c");

  line.typing.left(two);
  line.typing.stop();
  line.drain(5);

  assert.deepEqual(line.log, ["a", "a is taken", "c is taken"]);
});
