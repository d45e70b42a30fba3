import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concat, fromLatin1, latin1 } from "#base/bytes.ts";
import { inPieces, PIECE_SIZES } from "../pieces.ts";
import { Telnet } from "./telnet.ts";

/** What QEMU says first, with `telnet=on`: WILL ECHO, WILL SGA, WILL BINARY, DO BINARY. */
const QEMU = Uint8Array.of(255, 251, 1, 255, 251, 3, 255, 251, 0, 255, 253, 0);
const WILL_NAWS = [255, 251, 31];

for (const size of PIECE_SIZES)
  test(`negotiation is answered and stripped, in pieces of ${size}`, () => {
    const { telnet, said } = create();
    const bytes = concat([QEMU, fromLatin1("login: "), Uint8Array.of(255, 255, 255, 241), fromLatin1("x")]);

    const data = concat([...inPieces(bytes, size)].map((piece) => telnet.decode(piece)));

    assert.equal(latin1(data), "login: ÿx");
    const answers = [[255, 253, 1], WILL_NAWS, [255, 253, 3], [255, 253, 0], [255, 251, 0]];
    assert.deepEqual([...concat(said)], answers.flat());
  });

test("what is not known is refused, and who is refused is not offered it again", () => {
  const { telnet, said } = create();

  telnet.decode(Uint8Array.of(255, 251, 24, 255, 253, 24, 255, 252, 24, 255, 254, 24));

  assert.deepEqual([...concat(said)], [255, 254, 24, ...WILL_NAWS, 255, 252, 24]);
});

test("two sides that answer each other come to an end", () => {
  const sides: Telnet[] = [];
  let said = 0;
  const queue: (() => void)[] = [];
  const create = (other: number) =>
    new Telnet((bytes) => {
      said += 1;
      queue.push(() => sides[other]?.decode(bytes));
    });
  sides.push(create(1), create(0));

  for (let option = 0; option < 256; option += 1) sides[0]?.decode(Uint8Array.of(255, 253, option));
  while (queue.length > 0) queue.shift()?.();

  assert.ok(said < 256 * 4, `${said}`);
});

test("a peer that asks again and again is answered a few times", () => {
  const { telnet, said } = create();
  const question = Uint8Array.of(255, 251, 0, 255, 252, 0, 255, 253, 99);

  for (let times = 0; times < 10_000; times += 1) telnet.decode(question);

  assert.ok(said.length < 30, `${said.length}`);
});

test("a peer that asks for the size again and again is told it a few times, and yet with each change", () => {
  const { telnet, said } = create();
  telnet.resize({ columns: 80, rows: 24 });
  const question = Uint8Array.of(255, 253, 31, 255, 254, 31);

  for (let times = 0; times < 10_000; times += 1) telnet.decode(question);

  assert.ok(said.length < 30, `${said.length}`);
  telnet.decode(Uint8Array.of(255, 253, 31));
  telnet.resize({ columns: 132, rows: 43 });
  assert.deepEqual([...(said.at(-1) ?? [])], [255, 250, 31, 0, 132, 0, 43, 255, 240]);
});

test("a subnegotiation is stripped, whatever is in it, and one without an end is left behind", () => {
  const { telnet } = create();
  const data = telnet.decode(Uint8Array.of(65, 255, 250, 24, 1, 255, 255, 66, 255, 240, 67));
  assert.equal(latin1(data), "AC");

  telnet.decode(Uint8Array.of(255, 250));
  telnet.decode(new Uint8Array(4097).fill(68));

  assert.equal(latin1(telnet.decode(fromLatin1("here"))), "here");
});

test("the size is told to who wants to know it, and with each change", () => {
  const { telnet, said } = create();
  telnet.resize({ columns: 80, rows: 24 });
  assert.deepEqual(said, []);

  telnet.decode(Uint8Array.of(255, 253, 31));
  telnet.resize({ columns: 255, rows: 50 });

  const told = [
    [255, 251, 31],
    [255, 250, 31, 0, 80, 0, 24, 255, 240],
    [255, 250, 31, 0, 255, 255, 0, 50, 255, 240],
  ];
  assert.deepEqual([...concat(said)], told.flat());
});

test("a break is telnet's, and what is typed is written so that none of it is", () => {
  const { telnet, said } = create();

  assert.deepEqual([...telnet.encode(Uint8Array.of(3, 255, 13, 10))], [3, 255, 255, 13, 0, 10]);
  telnet.decode(Uint8Array.of(255, 253, 0));
  assert.deepEqual([...telnet.encode(Uint8Array.of(13, 255))], [13, 255, 255]);
  said.length = 0;
  telnet.sendBreak();

  assert.deepEqual([...concat(said)], [255, 243]);
});

test("outside of binary the NUL behind a carriage return is none of the line's", () => {
  const { telnet } = create();

  const data = [13, 0, 65, 13, 10, 66].map((byte) => telnet.decode(Uint8Array.of(byte)));

  assert.deepEqual([...concat(data)], [13, 65, 13, 10, 66]);
});

test("what one side writes the other reads, whatever it is", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.boolean(), (bytes, isBinary) => {
      const [one, other] = [create().telnet, create().telnet];
      if (isBinary) {
        one.decode(Uint8Array.of(255, 253, 0));
        other.decode(Uint8Array.of(255, 251, 0));
      }
      assert.deepEqual([...other.decode(one.encode(bytes))], [...bytes]);
    }),
  );
});

function create() {
  const said: Uint8Array[] = [];
  return { telnet: new Telnet((bytes) => said.push(bytes)), said };
}
