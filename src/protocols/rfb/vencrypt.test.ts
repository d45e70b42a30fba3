import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter, concat } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { Secret } from "#base/secret.ts";
import { SequenceDriver } from "#base/sequence.ts";
import { inPieces, PIECE_SIZES } from "../pieces.ts";
import { HandshakeError, type HandshakeFailure } from "./handshake-error.ts";
import type { TlsKind } from "./security.ts";
import type { SecurityPolicy } from "./security-policy.ts";
import { type Agreed, agreeOnSecurity, enterAsAgreed } from "./upstream-handshake.ts";
import { SUBTYPES } from "./vencrypt.ts";
import { encodeVersion } from "./version.ts";

type Bytes = Uint8Array | readonly number[];
const bytes = (...parts: readonly Bytes[]) => concat(parts.map((part) => Uint8Array.from(part)));

const VERIFIED: readonly TlsKind[] = ["x509"];
const ANY: readonly TlsKind[] = ["x509", "anonymous"];
const PASSWORD = new Secret("geheim");
const NOBODY = {};
const LOCKED = { password: PASSWORD };
const ACCOUNT = { username: "ute", password: PASSWORD };

/** As a server says it: VeNCrypt beside the other types, 0.2, and its subtypes. */
function offer(subtypes: readonly number[], types: readonly number[] = [19]): Uint8Array {
  const list = new ByteWriter().u8(subtypes.length);
  for (const subtype of subtypes) list.u32(subtype);
  return bytes(encodeVersion("3.8"), [types.length, ...types], [0, 2], [0], list.finish(), [1]);
}

function agree(words: Uint8Array, policy: SecurityPolicy, size = 1 << 20) {
  const sent: Uint8Array[] = [];
  const send = (part: Uint8Array) => void sent.push(part.slice());
  const driver = new SequenceDriver<Agreed>(
    agreeOnSecurity({ ...policy, send, encryptDes: noDes, scram: undefined }),
  );
  for (const piece of inPieces(words, size)) driver.push(piece);
  return { sent: bytes(...sent), driver };
}

function noDes(): Uint8Array {
  throw new Error("nothing is encrypted before TLS");
}

function failure(kind: HandshakeFailure): (error: unknown) => boolean {
  return (error) => error instanceof HandshakeError && error.kind === kind;
}

for (const [number, { tls, security }] of SUBTYPES) {
  for (const size of PIECE_SIZES) {
    test(`subtype ${number} is agreed on up to where TLS begins, read ${size} at a time`, () => {
      const credentials = { none: NOBODY, "vnc-authentication": LOCKED, plain: ACCOUNT, sasl: ACCOUNT }[
        security
      ];

      const { sent, driver } = agree(offer([number]), { tls: ANY, ...credentials }, size);

      assert.deepEqual(driver.result, { version: "3.8", tls, security, isTight: false });
      assert.equal(driver.rest.length, 0);
      assert.deepEqual(
        sent,
        bytes(encodeVersion("3.8"), [19], [0, 2], new ByteWriter().u32(number).finish()),
      );
    });
  }
}

test("the strongest that both have is taken, whatever the order of the offer", () => {
  const all = [256, 257, 258, 259, 260, 261, 262, 263, 264];

  for (const offered of [all, all.toReversed()]) {
    const taken = (policy: SecurityPolicy) => agree(offer(offered, [1, 2, 16, 19]), policy).driver.result;
    assert.deepEqual(taken({ tls: ANY, ...ACCOUNT }).security, "sasl");
    assert.deepEqual(taken({ tls: ANY, ...ACCOUNT }).tls, "x509");
    assert.deepEqual(taken({ tls: ANY, ...LOCKED }).security, "vnc-authentication");
    assert.deepEqual(taken({ tls: ANY, ...LOCKED }).tls, "x509");
    assert.deepEqual(taken({ tls: VERIFIED }).tls, "x509");
  }
});

for (const { title, words, policy, kind } of [
  {
    title: "no TLS where it is demanded",
    words: offer([], [1, 2]),
    policy: { tls: ANY },
    kind: "tls-not-offered",
  },
  {
    title: "no subtype with TLS",
    words: offer([256]),
    policy: { tls: ANY, ...ACCOUNT },
    kind: "tls-not-offered",
  },
  {
    title: "subtypes without a certificate alone, where one is demanded",
    words: offer([257, 258, 259]),
    policy: { tls: VERIFIED, ...LOCKED },
    kind: "tls-anonymous",
  },
  {
    title: "TLS alone, where nothing is on record of it",
    words: offer([260]),
    policy: { tls: [] },
    kind: "tls-needed",
  },
  {
    title: "TLS without the password on record, with one less subtype than it had",
    words: offer([257, 258, 260]),
    policy: { tls: VERIFIED, ...LOCKED },
    kind: "password-not-asked",
  },
  {
    title: "a password where an account is on record",
    words: offer([261]),
    policy: { tls: VERIFIED, ...ACCOUNT },
    kind: "username-not-asked",
  },
  {
    title: "to ask for an account that is not on record",
    words: offer([262]),
    policy: { tls: VERIFIED, ...LOCKED },
    kind: "username-missing",
  },
  {
    title: "to ask for a password that is not on record",
    words: offer([261]),
    policy: { tls: VERIFIED },
    kind: "password-missing",
  },
  {
    title: "VeNCrypt 0.1",
    words: bytes(encodeVersion("3.8"), [1, 19], [0, 1]),
    policy: { tls: ANY },
    kind: "security-unsupported",
  },
  {
    title: "VeNCrypt 0.2 and then does not take it",
    words: bytes(encodeVersion("3.8"), [1, 19], [0, 2], [255]),
    policy: { tls: ANY },
    kind: "security-unsupported",
  },
  {
    title: "a subtype and then does not take it",
    words: bytes(offer([260]).subarray(0, -1), [0]),
    policy: { tls: ANY },
    kind: "refused",
  },
  {
    title: "RFB 3.3, which has no TLS",
    words: bytes(encodeVersion("3.3"), [0, 0, 0, 1]),
    policy: { tls: ANY },
    kind: "tls-not-offered",
  },
] as const) {
  test(`a server that offers ${title} is told nothing more`, () => {
    assert.throws(() => agree(words, policy), failure(kind));
  });
}

test("an account is said within TLS, in UTF-8", () => {
  const sent: Uint8Array[] = [];
  const agreed: Agreed = { version: "3.8", tls: "x509", security: "plain", isTight: false };
  const options = {
    tls: VERIFIED,
    username: "jürgen",
    password: new Secret("€"),
    encryptDes: noDes,
    scram: undefined,
  };

  new SequenceDriver(enterAsAgreed(agreed, { ...options, send: (part) => void sent.push(part) }));

  const name = Buffer.from("jürgen");
  assert.deepEqual(bytes(...sent), bytes([0, 0, 0, 7], [0, 0, 0, 3], name, Buffer.from("€")));
});

test("whatever a server offers, nothing weaker than what is on record is agreed on", () => {
  const credentials = fc.constantFrom(NOBODY, LOCKED, ACCOUNT);
  const words = fc.array(
    fc.oneof(
      fc
        .array(fc.constantFrom(256, 257, 258, 259, 260, 261, 262, 263, 264))
        .map((subtypes) => offer(subtypes)),
      fc.constantFrom(encodeVersion("3.8"), encodeVersion("3.3"), bytes([2, 19, 1]), bytes([0, 2, 0])),
      fc.uint8Array({ maxLength: 40 }),
    ),
    { maxLength: 4 },
  );
  fc.assert(
    fc.property(
      words,
      fc.constantFrom([], VERIFIED, ANY),
      credentials,
      fc.integer({ min: 1, max: 50 }),
      (...all) => {
        const [said, tls, known, size] = all;
        let result: Agreed | undefined;
        try {
          const { driver } = agree(bytes(...said), { tls, ...known }, size);
          result = driver.done ? driver.result : undefined;
        } catch (error) {
          assert.ok(error instanceof ProtocolError, String(error));
        }
        if (result === undefined) return;
        if (tls.length > 0) assert.ok(result.tls !== undefined && tls.includes(result.tls));
        assert.equal(result.security === "none", known === NOBODY);
        assert.equal(["plain", "sasl"].includes(result.security), known === ACCOUNT);
      },
    ),
  );
});
