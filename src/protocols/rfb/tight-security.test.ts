import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteWriter, concat, fromLatin1 } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { Secret } from "#base/secret.ts";
import { SequenceDriver } from "#base/sequence.ts";
import { inPieces, PIECE_SIZES } from "../pieces.ts";
import { HandshakeError, type HandshakeFailure } from "./handshake-error.ts";
import { encodeServerInit } from "./server-init.ts";
import { upstreamHandshake } from "./upstream-handshake.ts";
import { encodeVersion } from "./version.ts";

type Bytes = Uint8Array | readonly number[];
const bytes = (...parts: readonly Bytes[]) => concat(parts.map((part) => Uint8Array.from(part)));
const u32 = (value: number) => new ByteWriter().u32(value).finish();
const NO_TUNNEL = bytes(u32(0), fromLatin1("TGHTNOTUNNEL"));
const NONE = bytes(u32(1), fromLatin1("STDVNOAUTH__"));
const VNC = bytes(u32(2), fromLatin1("STDVVNCAUTH_"));
const UNIX_LOGIN = bytes(u32(129), fromLatin1("TGHTULGNAUTH"));
const CHALLENGE = new Uint8Array(16);
const RESPONSE = new Uint8Array(16).fill(7);
const OK = u32(0);
const SERVER_INIT = { width: 800, height: 600, pixelFormat: new Uint8Array(16), name: "Tight" };
/** One message of the server's, none of the viewer's, two encodings. */
const CAPABILITIES = bytes([0, 1, 0, 0, 0, 2, 0, 0], new Uint8Array(3 * 16));

function converse(
  server: Uint8Array,
  { password, size = 1 << 20 }: { password?: string; size?: number } = {},
) {
  const sent: Uint8Array[] = [];
  const driver = new SequenceDriver(
    upstreamHandshake({
      send: (part) => void sent.push(part.slice()),
      password: password === undefined ? undefined : new Secret(password),
      encryptDes: () => RESPONSE,
    }),
  );
  for (const piece of inPieces(server, size)) driver.push(piece);
  return { sent: bytes(...sent), driver };
}

const offer = (...ways: readonly Uint8Array[]) =>
  bytes(encodeVersion("3.8"), [1, 16], u32(0), u32(ways.length), ...ways);
const init = bytes(encodeServerInit(SERVER_INIT), CAPABILITIES, [9]);

function failure(kind: HandshakeFailure): (error: unknown) => boolean {
  return (error) => error instanceof HandshakeError && error.kind === kind;
}

for (const size of PIECE_SIZES) {
  test(`Tight with VNC authentication is signed in to, read ${size} at a time`, () => {
    const { sent, driver } = converse(bytes(offer(UNIX_LOGIN, NONE, VNC), CHALLENGE, OK, init), {
      password: "geheim",
      size,
    });

    assert.deepEqual(sent, bytes(encodeVersion("3.8"), [16], u32(2), RESPONSE, [1]));
    assert.deepEqual(driver.result, {
      version: "3.8",
      security: "vnc-authentication",
      serverInit: SERVER_INIT,
    });
    assert.deepEqual(driver.rest, Uint8Array.of(9), "what it can do is no part of the picture");
  });

  test(`Tight without a password is signed in to, read ${size} at a time`, () => {
    const words = bytes(encodeVersion("3.8"), [1, 16], u32(1), NO_TUNNEL, u32(1), NONE, OK, init);
    const { sent, driver } = converse(words, { size });

    assert.deepEqual(sent, bytes(encodeVersion("3.8"), [16], u32(0), u32(1), [1]));
    assert.equal(driver.result.security, "none");
  });
}

test("Tight that has no way to sign in has nobody choose one", () => {
  const { sent, driver } = converse(bytes(offer(), OK, init));

  assert.deepEqual(sent, bytes(encodeVersion("3.8"), [16], [1]));
  assert.equal(driver.result.security, "none");
});

test("what fits is taken without Tight where it is offered without", () => {
  const words = bytes(encodeVersion("3.8"), [2, 16, 2], CHALLENGE, OK, encodeServerInit(SERVER_INIT));

  assert.deepEqual(
    converse(words, { password: "geheim" }).sent,
    bytes(encodeVersion("3.8"), [2], RESPONSE, [1]),
  );
});

for (const { title, words, password, kind } of [
  {
    title: "no password where one is on record",
    words: offer(NONE),
    password: "x",
    kind: "password-not-asked",
  },
  {
    title: "no way at all where one is on record",
    words: offer(),
    password: "x",
    kind: "password-not-asked",
  },
  { title: "a password where none is on record", words: offer(VNC), kind: "password-missing" },
  { title: "what is not spoken here", words: offer(UNIX_LOGIN), kind: "security-unsupported" },
  {
    title: "a million tunnels",
    words: bytes(encodeVersion("3.8"), [1, 16], u32(1_000_000)),
    kind: "malformed",
  },
] as const) {
  test(`Tight with ${title} is refused`, () => {
    assert.throws(() => converse(words, password === undefined ? {} : { password }), failure(kind));
  });
}

test("whatever a server says within Tight, the handshake ends, fails or waits", () => {
  const word = fc.oneof(
    fc.constantFrom(NONE, VNC, UNIX_LOGIN, NO_TUNNEL, OK, CHALLENGE, init, u32(1), u32(2)),
    fc.uint8Array({ maxLength: 40 }),
  );
  fc.assert(
    fc.property(
      fc.array(word),
      fc.integer({ min: 1, max: 50 }),
      fc.option(fc.string()),
      (words, size, password) => {
        try {
          converse(bytes(encodeVersion("3.8"), [1, 16], ...words), {
            size,
            ...(password === null ? {} : { password }),
          });
        } catch (error) {
          assert.ok(error instanceof ProtocolError, String(error));
        }
      },
    ),
  );
});
