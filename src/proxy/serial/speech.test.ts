import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { afterEach, mock, test } from "node:test";
import { TERMPROXY_PING } from "#protocols/serial/termproxy.ts";
import { Speech } from "./speech.ts";

/** A line's end that takes what it is written when the test says so. */
function deafLine() {
  const taken: number[] = [];
  let take = () => {};
  const socket = new Writable({
    highWaterMark: 16,
    write(chunk: Buffer, _encoding, done) {
      take = () => {
        taken.push(...chunk);
        done();
      };
    },
  });
  return {
    ...{ socket, taken },
    /** Takes all that was written, and that which is written for that. */
    async takeAll(): Promise<void> {
      while (socket.writableLength > 0) {
        take();
        await new Promise(setImmediate);
      }
    },
  };
}

afterEach(() => mock.timers.reset());

const WANTS_SIZE = Uint8Array.of(255, 253, 31);
const BREAK = [255, 243];
const sizeWord = (columns: number, rows: number) => [255, 250, 31, 0, columns, 0, rows, 255, 240];

test("a line that takes nothing is owed one break and the last size, however often they are said", async () => {
  const { socket, taken, takeAll } = deafLine();
  const speech = new Speech(socket, "telnet");
  socket.on("drain", () => speech.drained());
  speech.decode(WANTS_SIZE);
  await takeAll();
  taken.length = 0;
  assert.equal(speech.type(Buffer.alloc(20, "x")), false);

  for (let each = 1; each <= 100; each += 1) {
    speech.sendBreak();
    speech.resize({ columns: 80 + each, rows: 24 });
  }

  assert.equal(socket.writableLength, 20);
  await takeAll();
  assert.deepEqual(taken.slice(20), [...BREAK, ...sizeWord(180, 24)]);
});

test("a line that takes what it is told is told at once", async () => {
  const { socket, taken, takeAll } = deafLine();
  const speech = new Speech(socket, "telnet");
  speech.decode(WANTS_SIZE);
  await takeAll();
  taken.length = 0;

  speech.resize({ columns: 100, rows: 30 });
  speech.sendBreak();

  await takeAll();
  assert.deepEqual(taken, [...sizeWord(100, 30), ...BREAK]);
});

test("pings to a termproxy that takes nothing are left out", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  const { socket, taken, takeAll } = deafLine();
  const speech = new Speech(socket, "termproxy");
  socket.on("drain", () => speech.drained());

  for (let each = 0; each < 1_000; each += 1) mock.timers.tick(30_000);

  assert.ok(socket.writableLength <= 16, `${socket.writableLength}`);
  await takeAll();
  const before = taken.length;
  mock.timers.tick(30_000);
  await takeAll();
  assert.deepEqual(taken.slice(before), [...TERMPROXY_PING]);
  speech.stop();
  mock.timers.tick(300_000);
  assert.equal(socket.writableLength, 0);
});

test("what has no words for a break or a size is told none", async () => {
  const { socket } = deafLine();
  const speech = new Speech(socket, "bytes");

  speech.sendBreak();
  speech.resize({ columns: 100, rows: 30 });

  assert.equal(speech.hasWords, false);
  assert.equal(socket.writableLength, 0);
});
