import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ProtocolError } from "#base/protocol-error.ts";
import { Secret } from "#base/secret.ts";
import {
  CLIENT_FINAL,
  exampleCrypto,
  NONCE,
  SERVER_FINAL,
  SERVER_FIRST,
  SERVER_NONCE,
} from "../../test/harness/scram-example.ts";
import { Scram } from "./scram.ts";

function scram(username = "user", password = "pencil"): Scram {
  return new Scram({ username, password: new Secret(password) }, exampleCrypto);
}

test("the example of RFC 7677 comes out as it stands there", () => {
  const client = scram();

  assert.equal(client.first, `n,,n=user,r=${NONCE}`);
  assert.equal(client.answer(SERVER_FIRST), CLIENT_FINAL);
  assert.ok(client.isProof(SERVER_FINAL));
});

test("a server that does not know the password has no proof", () => {
  const client = scram();
  assert.ok(!client.isProof(SERVER_FINAL), "nor before it was asked for one");
  client.answer(SERVER_FIRST);

  for (const said of ["", "v=", "v=AAAA", "e=other-error", SERVER_FINAL.slice(0, -2)])
    assert.ok(!client.isProof(said), said);
});

test("a name has its commas and equals signs escaped", () => {
  assert.equal(scram("a=b,c").first, `n,,n=a=3Db=2Cc,r=${NONCE}`);
});

for (const [title, said] of [
  ["with another nonce", SERVER_FIRST.replace(NONCE, "xOprNGfwEbeRWgbNEkqO")],
  ["with our nonce alone", SERVER_FIRST.replace(SERVER_NONCE, NONCE)],
  ["with few iterations, for our answer to be guessed from", SERVER_FIRST.replace("4096", "1")],
  ["with a thousand million iterations", SERVER_FIRST.replace("4096", "999999999")],
  ["with a salt that is no base64", SERVER_FIRST.replace("W22ZaJ0", "=")],
  ["with an extension that has to be known", `m=x,${SERVER_FIRST}`],
  ["that is empty", ""],
] as const) {
  test(`a first message ${title} is not answered`, () => {
    assert.throws(() => scram().answer(said), ProtocolError);
  });
}

test("whatever a server says first is answered or refused", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `${SERVER_FIRST}${text}`),
      ),
      (said) => {
        try {
          assert.match(scram().answer(said), /^c=biws,r=/);
        } catch (error) {
          assert.ok(error instanceof ProtocolError, String(error));
        }
      },
    ),
    { numRuns: 50 },
  );
});
