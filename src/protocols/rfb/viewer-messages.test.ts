import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { concat } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { inPieces, PIECE_SIZES } from "../pieces.ts";
import { ENCODING } from "./encodings.ts";
import {
  encodeClientCutText,
  encodeFramebufferUpdateRequest,
  encodeKeyEvent,
  encodePointerEvent,
  encodeSetEncodings,
} from "./messages.ts";
import type { ViewerRights } from "./viewer-message-layout.ts";
import { ViewerMessageFilter } from "./viewer-messages.ts";

const ALL: ViewerRights = { input: true, clipboardIn: true, resize: true, power: true };
const NONE: ViewerRights = { input: false, clipboardIn: false, resize: false, power: false };

const REQUEST = encodeFramebufferUpdateRequest(true, { x: 0, y: 0, width: 800, height: 600 });
const KEY = encodeKeyEvent(true, 0x61);
const POINTER = encodePointerEvent(1, 10, 20);

const EXTENDED_CLIPBOARD = Uint8Array.of(6, 0, 0, 0, 255, 255, 255, 252, 2, 0, 0, 1);

/** Every message that viewers may send, and the one right that it takes, where it is one. */
const MESSAGES: readonly { name: string; bytes: Uint8Array; right?: keyof ViewerRights }[] = [
  { name: "SetPixelFormat", bytes: Uint8Array.of(0, 0, 0, 0, ...new Uint8Array(16).fill(7)) },
  { name: "SetEncodings", bytes: encodeSetEncodings([ENCODING.copyRect, ENCODING.raw]) },
  { name: "SetEncodings of nothing", bytes: encodeSetEncodings([]) },
  { name: "FramebufferUpdateRequest", bytes: REQUEST },
  { name: "KeyEvent", bytes: KEY, right: "input" },
  { name: "PointerEvent", bytes: POINTER, right: "input" },
  { name: "ClientCutText", bytes: encodeClientCutText("hello"), right: "clipboardIn" },
  { name: "ClientCutText of nothing", bytes: encodeClientCutText(""), right: "clipboardIn" },
  { name: "extended clipboard", bytes: EXTENDED_CLIPBOARD },
  { name: "EnableContinuousUpdates", bytes: Uint8Array.of(150, 1, 0, 0, 0, 0, 3, 32, 2, 88) },
  { name: "ClientFence", bytes: Uint8Array.of(248, 0, 0, 0, 0, 0, 0, 1, 3, 9, 9, 9) },
  { name: "ClientFence of nothing", bytes: Uint8Array.of(248, 0, 0, 0, 0, 0, 0, 1, 0) },
  { name: "xvp", bytes: Uint8Array.of(250, 0, 1, 3), right: "power" },
  {
    name: "SetDesktopSize",
    bytes: Uint8Array.of(251, 0, 4, 0, 3, 0, 2, 0, ...new Uint8Array(32).fill(5)),
    right: "resize",
  },
  {
    name: "QEMU extended key event",
    bytes: Uint8Array.of(255, 0, 0, 1, 0, 0, 0, 0x61, 0, 0, 0, 0x1e),
    right: "input",
  },
  { name: "QEMU audio, on", bytes: Uint8Array.of(255, 1, 0, 0) },
  { name: "QEMU audio, off", bytes: Uint8Array.of(255, 1, 0, 1) },
  { name: "QEMU audio, format", bytes: Uint8Array.of(255, 1, 0, 2, 3, 2, 0, 0, 0xac, 0x44) },
];

interface Filtered {
  readonly forwarded: readonly Uint8Array[];
  readonly error: ProtocolError | undefined;
}

/** Pushes chunk by chunk up to the first ProtocolError; any other error is a failure of the test. */
function filter(rights: ViewerRights, chunks: Iterable<Uint8Array>): Filtered {
  const forwarded: Uint8Array[] = [];
  const subject = new ViewerMessageFilter({ rights, forward: (bytes) => forwarded.push(bytes) });
  try {
    for (const chunk of chunks) subject.push(chunk);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return { forwarded, error };
  }
  return { forwarded, error: undefined };
}

for (const { name, bytes, right } of MESSAGES) {
  for (const size of PIECE_SIZES) {
    test(`${name} reaches the server unchanged, sent ${size} at a time`, () => {
      const { forwarded, error } = filter(ALL, inPieces(concat([bytes, REQUEST]), size));

      assert.equal(error, undefined);
      assert.deepEqual(concat(forwarded), concat([bytes, REQUEST]));
    });

    if (right !== undefined) {
      test(`${name} is dropped without the right ${right}, sent ${size} at a time`, () => {
        const without = { ...ALL, [right]: false };
        const words = concat([REQUEST, bytes, REQUEST]);

        const { forwarded, error } = filter(without, inPieces(words, size));

        assert.equal(error, undefined);
        assert.deepEqual(concat(forwarded), concat([REQUEST, REQUEST]));
      });

      test(`${name} needs no other right than ${right}, sent ${size} at a time`, () => {
        const { forwarded } = filter({ ...NONE, [right]: true }, inPieces(bytes, size));

        assert.deepEqual(concat(forwarded), bytes);
      });
    }
  }
}

for (const missing of ["clipboardIn", "input"] as const) {
  for (const size of PIECE_SIZES) {
    test(`extended clipboard is dropped without the right ${missing}, sent ${size} at a time`, () => {
      const words = concat([REQUEST, EXTENDED_CLIPBOARD, REQUEST]);

      const { forwarded } = filter({ ...ALL, [missing]: false }, inPieces(words, size));

      assert.deepEqual(concat(forwarded), concat([REQUEST, REQUEST]));
    });
  }
}

describe("the hot path", () => {
  test("a chunk of allowed messages is forwarded as it is, not copied", () => {
    const chunk = concat([REQUEST, KEY, POINTER]);

    const { forwarded } = filter(ALL, [chunk]);

    assert.deepEqual(
      forwarded.map((bytes) => bytes === chunk),
      [true],
    );
  });

  test("what is allowed around a dropped message is forwarded as views on the chunk", () => {
    const chunk = concat([REQUEST, REQUEST, KEY, POINTER, REQUEST]);

    const { forwarded } = filter(NONE, [chunk]);

    assert.deepEqual(
      forwarded.map(({ buffer, byteOffset, length }) => [buffer === chunk.buffer, byteOffset, length]),
      [
        [true, 0, 20],
        [true, 34, 10],
      ],
    );
  });

  test("long clipboard text goes on as it comes", () => {
    const text = encodeClientCutText("x".repeat(100_000));
    const forwarded: number[] = [];
    const subject = new ViewerMessageFilter({ rights: ALL, forward: ({ length }) => forwarded.push(length) });

    for (const piece of inPieces(text, 30_000)) subject.push(piece);

    assert.deepEqual(forwarded, [30_000, 30_000, 30_000, 10_008]);
  });

  test("a message that has begun does not hang on the buffer that it came in", () => {
    const forwarded: Uint8Array[] = [];
    const subject = new ViewerMessageFilter({ rights: ALL, forward: (bytes) => forwarded.push(bytes) });
    const begun = Buffer.from(POINTER.subarray(0, 4));

    subject.push(begun);
    begun.fill(0);
    subject.push(POINTER.subarray(4));

    assert.deepEqual(concat(forwarded), POINTER);
  });

  test("a message that has begun does not go on before it is whole", () => {
    const forwarded: Uint8Array[] = [];
    const subject = new ViewerMessageFilter({ rights: ALL, forward: (bytes) => forwarded.push(bytes) });

    subject.push(concat([KEY, POINTER.subarray(0, 3)]));
    assert.deepEqual(concat(forwarded), KEY);
    subject.push(POINTER.subarray(3));
    assert.deepEqual(concat(forwarded), concat([KEY, POINTER]));
  });
});

describe("SetEncodings", () => {
  const announced = (rights: ViewerRights, ...encodings: readonly number[]) =>
    concat(filter(rights, [encodeSetEncodings(encodings)]).forwarded);

  test("is cut to what is known, in the viewer's order", () => {
    assert.deepEqual(
      announced(ALL, 7, 99, ENCODING.copyRect, -305, ENCODING.raw, -26, 0x53_55_50_52),
      encodeSetEncodings([7, ENCODING.copyRect, ENCODING.raw, -26]),
    );
  });

  test("loses the mouse buttons that would change the length of PointerEvent", () => {
    assert.deepEqual(announced(ALL, ENCODING.extendedMouseButtons), encodeSetEncodings([]));
  });

  test("may announce everything that noVNC does, but those buttons", () => {
    const novnc = [1, 50, 7, -260, 16, 21, 5, 2, 6, 0, -26, -254, -223, -224, -258, -261, -308, -309];
    const more = [-312, -313, -307, ENCODING.extendedClipboard, 0x574d5664, -239];

    assert.deepEqual(announced(ALL, ...novnc, ...more), encodeSetEncodings([...novnc, ...more]));
  });

  for (const [encoding, right] of [
    ["extendedClipboard", "clipboardIn"],
    ["extendedClipboard", "input"],
    ["xvp", "power"],
    ["qemuExtendedKeyEvent", "input"],
    ["qemuPointerMotionChange", "input"],
  ] as const) {
    test(`loses ${encoding} without the right ${right}`, () => {
      const list = [ENCODING.raw, ENCODING[encoding], ENCODING.extendedDesktopSize];

      assert.deepEqual(
        announced({ ...ALL, [right]: false }, ...list),
        encodeSetEncodings([ENCODING.raw, ENCODING.extendedDesktopSize]),
      );
      assert.deepEqual(announced(ALL, ...list), encodeSetEncodings(list));
    });
  }

  test("is the same whatever it is split into", () => {
    const message = encodeSetEncodings([7, 99, -316, 0]);
    for (const size of PIECE_SIZES)
      assert.deepEqual(
        concat(filter(ALL, inPieces(message, size)).forwarded),
        encodeSetEncodings([7, 0]),
        `sent ${size} at a time`,
      );
  });
});

describe("what no viewer says", () => {
  for (const { name, bytes } of [
    { name: "an unknown message", bytes: [7] },
    { name: "3.3's FixColourMapEntries", bytes: [1, 0, 0, 0] },
    { name: "an unknown QEMU message", bytes: [255, 2, 0, 0] },
    { name: "an unknown QEMU audio operation", bytes: [255, 1, 0, 3] },
    { name: "gii", bytes: [253, 129, 0, 4] },
    { name: "clipboard text above 1 MiB", bytes: [6, 0, 0, 0, 0, 0x10, 0, 1] },
    { name: "extended clipboard data above 1 MiB", bytes: [6, 0, 0, 0, 0xff, 0xef, 0xff, 0xff] },
    { name: "clipboard text of the lowest negative length", bytes: [6, 0, 0, 0, 0x80, 0, 0, 0] },
    { name: "SetEncodings of 65535 encodings", bytes: [2, 0, 255, 255] },
    { name: "a fence with more than its extension allows", bytes: [248, 0, 0, 0, 0, 0, 0, 0, 65] },
  ]) {
    for (const rights of [ALL, NONE]) {
      for (const size of PIECE_SIZES) {
        test(`${name} is a ProtocolError behind what was right, ${rights.input ? "with" : "without"} rights, sent ${size} at a time`, () => {
          const { forwarded, error } = filter(
            rights,
            inPieces(concat([REQUEST, Uint8Array.from(bytes)]), size),
          );

          assert.ok(error instanceof ProtocolError);
          assert.deepEqual(concat(forwarded), REQUEST);
        });
      }
    }
  }

  test("clipboard text of exactly 1 MiB passes", () => {
    const { forwarded, error } = filter(ALL, inPieces(encodeClientCutText("x".repeat(1024 * 1024)), 65_536));

    assert.equal(error, undefined);
    assert.equal(concat(forwarded).length, 8 + 1024 * 1024);
  });
});

/** Words of a stream that is mostly right and sometimes anything at all. */
const stream = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...MESSAGES.map(({ bytes }) => bytes)) },
      { weight: 2, arbitrary: fc.array(fc.integer(), { maxLength: 20 }).map(encodeSetEncodings) },
      { weight: 2, arbitrary: fc.string({ maxLength: 300 }).map(encodeClientCutText) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 30 }) },
    ),
    { maxLength: 12 },
  )
  .map(concat);

const anyRights: fc.Arbitrary<ViewerRights> = fc.record({
  input: fc.boolean(),
  clipboardIn: fc.boolean(),
  resize: fc.boolean(),
  power: fc.boolean(),
});

/** Cuts at the given places, so that pieces have sizes of every kind, none at all included. */
function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return places.slice(1).map((place, index) => bytes.slice(places[index] ?? 0, place));
}

test("how a stream is split decides nothing", () => {
  fc.assert(
    fc.property(stream, anyRights, fc.array(fc.nat()), (bytes, rights, cuts) => {
      const whole = filter(rights, [bytes]);
      const pieces = filter(rights, split(bytes, cuts));

      assert.deepEqual(concat(pieces.forwarded), concat(whole.forwarded));
      assert.equal(pieces.error?.message, whole.error?.message);
    }),
    { numRuns: 500 },
  );
});

test("what reaches the server holds only what the viewer may say, whatever it says", () => {
  fc.assert(
    fc.property(stream, anyRights, fc.array(fc.nat()), (bytes, rights, cuts) => {
      const { forwarded } = filter(rights, split(bytes, cuts));

      for (const message of parse(concat(forwarded))) assertAllowed(message, rights);
    }),
    { numRuns: 500 },
  );
});

test("a viewer with every right is heard to the last byte, but for encodings that are cut", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...MESSAGES.map(({ bytes }) => bytes))), (messages) => {
      assert.deepEqual(concat(filter(ALL, [concat(messages)]).forwarded), concat(messages));
    }),
  );
});

/**
 * A second parser of the same messages, written from their documents and sharing nothing with the first. Cut text
 * may be unfinished at the end; nothing else may.
 */
function parse(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const lengthAt = (at: number): number => {
    switch (view.getUint8(at)) {
      case 0:
        return 20;
      case 2:
        return 4 + 4 * view.getUint16(at + 2);
      case 3:
      case 150:
        return 10;
      case 4:
        return 8;
      case 5:
        return 6;
      case 6:
        return Math.min(8 + Math.abs(view.getInt32(at + 4)), bytes.length - at);
      case 248:
        return 9 + view.getUint8(at + 8);
      case 250:
        return 4;
      case 251:
        return 8 + 16 * view.getUint8(at + 6);
      case 255:
        if (view.getUint8(at + 1) === 0) return 12;
        return view.getUint16(at + 2) === 2 ? 10 : 4;
      default:
        throw new assert.AssertionError({ message: `message type ${bytes[at]} reached the server` });
    }
  };
  const messages: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + lengthAt(at);
    assert.ok(end <= bytes.length, "part of a message reached the server");
    messages.push(bytes.slice(at, end));
    at = end;
  }
  return messages;
}

function assertAllowed(message: Uint8Array, rights: ViewerRights): void {
  const [type, subtype] = message;
  const isInput = type === 4 || type === 5 || (type === 255 && subtype === 0);
  assert.ok(rights.input || !isInput, "input reached the server");
  const isExtended = type === 6 && ((message[4] ?? 0) & 0x80) !== 0;
  assert.ok(rights.clipboardIn || type !== 6, "clipboard text reached the server");
  assert.ok(rights.input || !isExtended, "extended clipboard data reached the server");
  assert.ok(rights.resize || type !== 251, "a new size reached the server");
  assert.ok(rights.power || type !== 250, "a power command reached the server");
  if (type === 2) {
    const view = new DataView(message.buffer);
    for (let at = 4; at < message.length; at += 4)
      assert.ok(![-316, -305].includes(view.getInt32(at)), "an encoding reached the server that must not");
  }
}
