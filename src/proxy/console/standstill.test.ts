import assert from "node:assert/strict";
import { test } from "node:test";
import { Standstill } from "./standstill.ts";

test("what waits and does not move stands still, from the first look that saw it", () => {
  const standstill = new Standstill();
  const stuck = { bytesWritten: 1_000, writableLength: 600 };

  assert.equal(standstill.look(stuck, 100), 0);
  assert.equal(standstill.look(stuck, 150), 50);
  assert.equal(standstill.look({ bytesWritten: 1_700, writableLength: 1_300 }, 200), 100);
});

test("whatever is taken ends the standstill, however much waits behind it", () => {
  const standstill = new Standstill();
  standstill.look({ bytesWritten: 1_000, writableLength: 600 }, 100);

  assert.equal(standstill.look({ bytesWritten: 2_000, writableLength: 1_500 }, 200), 0);
  assert.equal(standstill.look({ bytesWritten: 2_000, writableLength: 1_500 }, 300), 100);
});

test("where nothing waits, nothing stands still", () => {
  const standstill = new Standstill();
  const idle = { bytesWritten: 1_000, writableLength: 0 };

  standstill.look(idle, 100);

  assert.equal(standstill.look(idle, 900), 0);
  assert.equal(standstill.look({ bytesWritten: 1_400, writableLength: 400 }, 1_000), 0);
});
