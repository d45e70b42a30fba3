import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter, concat, fromLatin1 } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { Secret } from "#base/secret.ts";
import { SequenceDriver } from "#base/sequence.ts";
import {
  CLIENT_FINAL,
  exampleCrypto,
  NONCE,
  SERVER_FINAL,
  SERVER_FIRST,
} from "../../../test/harness/scram-example.ts";
import { inPieces, PIECE_SIZES } from "../pieces.ts";
import { HandshakeError, type HandshakeFailure } from "./handshake-error.ts";
import { signInBySasl } from "./sasl.ts";

const text = (said: string) => new ByteWriter().u32(said.length).bytes(fromLatin1(said)).finish();
const step = (said: string, isLast: boolean) =>
  new ByteWriter()
    .bytes(said === "" ? new ByteWriter().u32(0).finish() : text(`${said}\0`))
    .u8(isLast ? 1 : 0)
    .finish();

function converse(server: readonly Uint8Array[], { isWithinTls = true, size = 1 << 20 } = {}) {
  const sent: Uint8Array[] = [];
  const driver = new SequenceDriver(
    signInBySasl({
      send: (part) => void sent.push(part.slice()),
      username: "user",
      password: new Secret("pencil"),
      scram: exampleCrypto,
      isWithinTls,
    }),
  );
  for (const piece of inPieces(concat(server), size)) driver.push(piece);
  return { sent: concat(sent), driver };
}

function failure(kind: HandshakeFailure): (error: unknown) => boolean {
  return (error) => error instanceof HandshakeError && error.kind === kind;
}

for (const size of PIECE_SIZES) {
  test(`SCRAM-SHA-256 is taken before PLAIN, and the server's proof read, ${size} at a time`, () => {
    const words = [text("PLAIN,SCRAM-SHA-256"), step(SERVER_FIRST, false), step(SERVER_FINAL, true)];

    const { sent, driver } = converse(words, { size, isWithinTls: false });

    assert.ok(driver.done);
    const first = concat([text("SCRAM-SHA-256"), text(`n,,n=user,r=${NONCE}\0`)]);
    assert.deepEqual(sent, concat([first, text(`${CLIENT_FINAL}\0`)]));
  });

  test(`PLAIN is spoken within TLS, ${size} at a time`, () => {
    const { sent, driver } = converse([text("PLAIN"), step("", true)], { size });

    assert.ok(driver.done);
    assert.deepEqual(sent, concat([text("PLAIN"), text("\0user\0pencil\0")]));
  });
}

test("a server that wants to hear that its proof was heard is told so", () => {
  const words = [text("SCRAM-SHA-256"), step(SERVER_FIRST, false), step(SERVER_FINAL, false), step("", true)];

  const { sent, driver } = converse(words);

  assert.ok(driver.done);
  assert.deepEqual(sent.subarray(-4), new Uint8Array(4));
});

for (const [title, words, kind] of [
  ["PLAIN alone, without TLS", [text("PLAIN")], "security-unsupported"],
  ["mechanisms alone that are not spoken", [text("DIGEST-MD5,GSSAPI")], "security-unsupported"],
  ["no mechanism", [text("")], "security-unsupported"],
  ["a list of 4 GB", [new Uint8Array(4).fill(255)], "malformed"],
  ["a step of 4 GB", [text("SCRAM-SHA-256"), new Uint8Array(4).fill(255)], "malformed"],
  ["to let us in without a proof", [text("SCRAM-SHA-256"), step("", true)], "password-not-asked"],
  [
    "another's proof",
    [text("SCRAM-SHA-256"), step(SERVER_FIRST, false), step("v=AAAA", true)],
    "password-not-asked",
  ],
  [
    "the word that our proof is wrong",
    [text("SCRAM-SHA-256"), step(SERVER_FIRST, false), step("e=invalid-proof", true)],
    "authentication-failed",
  ],
  [
    "to be asked with one iteration",
    [text("SCRAM-SHA-256"), step(SERVER_FIRST.replace("4096", "1"), false)],
    "malformed",
  ],
] as const) {
  test(`a server with ${title} is refused, and no password said to it`, () => {
    assert.throws(() => converse([...words], { isWithinTls: false }), failure(kind));
  });
}

test("whatever a server says, SASL ends, fails or waits", () => {
  const word = fc.oneof(
    fc.constantFrom(text("SCRAM-SHA-256"), text("PLAIN"), step(SERVER_FIRST, false), step("", true)),
    fc.uint8Array({ maxLength: 40 }),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), fc.integer({ min: 1, max: 50 }), (words, size) => {
      try {
        converse(words, { size });
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error));
      }
    }),
    { numRuns: 60 },
  );
});
