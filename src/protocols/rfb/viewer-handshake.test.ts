import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concat, fromLatin1, latin1 } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { type Sequence, SequenceDriver } from "#base/sequence.ts";
import { inPieces, PIECE_SIZES } from "../pieces.ts";
import { HandshakeError } from "./handshake-error.ts";
import { encodeVersion, RFB_VERSIONS, type RfbVersion } from "./version.ts";
import { acceptViewer, refuseViewer, viewerVersion } from "./viewer-handshake.ts";

type Send = (bytes: Uint8Array) => void;

function converse<Result>(sequence: (send: Send) => Sequence<Result>, viewer: Uint8Array, size = 1 << 20) {
  const sent: Uint8Array[] = [];
  const driver = new SequenceDriver(sequence((part) => sent.push(part.slice())));
  for (const piece of inPieces(viewer, size)) driver.push(piece);
  return { driver, sent: () => [...concat(sent)] };
}

function* whole(send: Send): Sequence<{ version: RfbVersion; shared: boolean }> {
  const version = yield* viewerVersion(send);
  return { version, ...(yield* acceptViewer(version, send)) };
}

const VERSION_3_8 = [...encodeVersion("3.8")];

/** What a viewer of each version says behind its version and before ClientInit, and what it must be told. */
const DIALOGUES = {
  "3.3": { viewer: [], server: [0, 0, 0, 1] },
  "3.7": { viewer: [1], server: [1, 1] },
  "3.8": { viewer: [1], server: [1, 1, 0, 0, 0, 0] },
} as const;

for (const version of RFB_VERSIONS) {
  for (const size of PIECE_SIZES) {
    test(`a ${version} viewer is let in without a password, read ${size} at a time`, () => {
      const { viewer, server } = DIALOGUES[version];
      const firstMessage = [3, 0, 0, 0];
      const words = concat([encodeVersion(version), Uint8Array.of(...viewer, 1, ...firstMessage)]);

      const { driver, sent } = converse(whole, words, size);

      assert.deepEqual(driver.result, { version, shared: true });
      assert.deepEqual(sent(), [...VERSION_3_8, ...server]);
      assert.deepEqual([...driver.rest], firstMessage);
    });
  }
}

test("a viewer that wants the machine for itself is known", () => {
  const { driver } = converse((send) => acceptViewer("3.8", send), Uint8Array.of(1, 0));

  assert.deepEqual(driver.result, { shared: false });
});

test("a 3.8 viewer that chooses what was not offered is told why it is refused", () => {
  const sent: Uint8Array[] = [];
  const driver = new SequenceDriver(acceptViewer("3.8", (part) => sent.push(part)));

  assert.throws(
    () => driver.push(Uint8Array.of(2)),
    (error) => error instanceof HandshakeError && error.kind === "malformed",
  );

  const said = concat(sent);
  assert.deepEqual([...said.subarray(0, 6)], [1, 1, 0, 0, 0, 1]);
  assert.equal(latin1(said.subarray(10)), "only the security type None is offered");
});

test("a 3.7 viewer that chooses what was not offered is told nothing, as 3.7 has no word for it", () => {
  const sent: Uint8Array[] = [];
  const driver = new SequenceDriver(acceptViewer("3.7", (part) => sent.push(part)));

  assert.throws(() => driver.push(Uint8Array.of(16)), HandshakeError);
  assert.deepEqual([...concat(sent)], [1, 1]);
});

test("a viewer that speaks HTTP is not taken for one", () => {
  assert.throws(
    () => converse(whole, fromLatin1("GET / HTTP/1.1\r\n")),
    (error) => error instanceof HandshakeError && error.kind === "not-rfb",
  );
});

for (const [version, head] of [
  ["3.3", [0, 0, 0, 0]],
  ["3.7", [0]],
  ["3.8", [0]],
] as const) {
  test(`a ${version} viewer is refused with no security type and a reason`, () => {
    const refusal = refuseViewer(version, "This link was already used.");

    assert.deepEqual([...refusal], [...head, 0, 0, 0, 27, ...fromLatin1("This link was already used.")]);
  });
}

test("whatever a viewer says, the handshake ends or fails within the bytes it has", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...RFB_VERSIONS),
      fc.uint8Array({ minLength: 2 }),
      fc.boolean(),
      (version, garbage, startsWell) => {
        const words = startsWell ? concat([encodeVersion(version), garbage]) : garbage;
        try {
          const { driver } = converse(whole, words, 1);
          assert.ok(driver.done || words.length < 14);
        } catch (error) {
          assert.ok(error instanceof ProtocolError);
        }
      },
    ),
  );
});
