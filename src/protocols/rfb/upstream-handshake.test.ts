import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { ByteWriter, concat, fromLatin1 } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { Secret } from "#base/secret.ts";
import { SequenceDriver } from "#base/sequence.ts";
import { inPieces, PIECE_SIZES } from "../pieces.ts";
import { HandshakeError, type HandshakeFailure } from "./handshake-error.ts";
import { encodePixelFormat } from "./pixel-format.ts";
import { encodeServerInit, type ServerInit } from "./server-init.ts";
import { type UpstreamReady, upstreamHandshake } from "./upstream-handshake.ts";
import { encodeVersion, RFB_VERSIONS } from "./version.ts";

const SERVER_INIT: ServerInit = {
  width: 800,
  height: 600,
  pixelFormat: encodePixelFormat({
    bitsPerPixel: 32,
    depth: 24,
    bigEndian: false,
    trueColour: true,
    red: { max: 255, shift: 16 },
    green: { max: 255, shift: 8 },
    blue: { max: 255, shift: 0 },
  }),
  name: "Würfel 7 €",
};

const OK = [0, 0, 0, 0];
const FAILED = [0, 0, 0, 1];
const CHALLENGE = Uint8Array.from({ length: 16 }, (_, index) => index);
/** What noVNC and OpenSSL answer to that challenge with the password "COW". */
const RESPONSE = Buffer.from("dc72fe4da173cc3f3c684d6637ed8c28", "hex");
const SHARED = [1];

type Bytes = Uint8Array | readonly number[];
const bytes = (...parts: readonly Bytes[]) => concat(parts.map((part) => Uint8Array.from(part)));
const reason = (text: string) => bytes([0, 0, 0, text.length], fromLatin1(text));

function encryptDes(key: Uint8Array, blocks: Uint8Array): Uint8Array {
  const cipher = createCipheriv("des-ede3-ecb", concat([key, key, key]), null).setAutoPadding(false);
  return concat([cipher.update(blocks), cipher.final()]);
}

interface Talk {
  readonly driver: SequenceDriver<UpstreamReady>;
  readonly sent: Uint8Array[];
}

function talk(password?: string, onSigningIn?: () => void): Talk {
  const sent: Uint8Array[] = [];
  const driver = new SequenceDriver(
    upstreamHandshake({
      send: (part) => sent.push(part.slice()),
      password: password === undefined ? undefined : new Secret(password),
      encryptDes,
      ...(onSigningIn === undefined ? {} : { onSigningIn }),
    }),
  );
  return { driver, sent };
}

/** Feeds a server's words in pieces, and returns what we said and learned. */
function converse(
  server: Uint8Array,
  { password, size = 1 << 20 }: { password?: string; size?: number } = {},
) {
  const { driver, sent } = talk(password);
  for (const piece of inPieces(server, size)) driver.push(piece);
  return { sent: bytes(...sent), driver };
}

function failure(kind: HandshakeFailure, said?: string): (error: unknown) => boolean {
  return (error) => error instanceof HandshakeError && error.kind === kind && error.reason === said;
}

/** Version, security without and with a password on record, as the server says them and as we must answer. */
const DIALOGUES = {
  "3.3": {
    none: { server: bytes([0, 0, 0, 1]), client: bytes() },
    "vnc-authentication": { server: bytes([0, 0, 0, 2], CHALLENGE, OK), client: bytes(RESPONSE) },
  },
  "3.7": {
    none: { server: bytes([2, 30, 1]), client: bytes([1]) },
    "vnc-authentication": { server: bytes([3, 1, 2, 19], CHALLENGE, OK), client: bytes([2], RESPONSE) },
  },
  "3.8": {
    none: { server: bytes([1, 1], OK), client: bytes([1]) },
    "vnc-authentication": { server: bytes([2, 2, 1], CHALLENGE, OK), client: bytes([2], RESPONSE) },
  },
} as const;

for (const version of RFB_VERSIONS) {
  for (const security of ["none", "vnc-authentication"] as const) {
    for (const size of PIECE_SIZES) {
      test(`a ${version} server with security ${security} is signed in to, read ${size} at a time`, () => {
        const { server, client } = DIALOGUES[version][security];
        const firstUpdate = Uint8Array.of(0, 0, 0, 0);
        const words = bytes(encodeVersion(version), server, encodeServerInit(SERVER_INIT), firstUpdate);

        const password = security === "none" ? {} : { password: "COW" };
        const { driver, sent } = converse(words, { ...password, size });

        assert.deepEqual(sent, bytes(encodeVersion(version), client, SHARED));
        assert.deepEqual(driver.result, { version, security, serverInit: SERVER_INIT });
        assert.deepEqual(driver.rest, firstUpdate);
      });
    }
  }

  test(`a ${version} server that does not ask for the password on record gets no further word`, () => {
    const words = bytes(encodeVersion(version), DIALOGUES[version].none.server);
    const { driver, sent } = talk("COW");

    assert.throws(() => driver.push(words), failure("password-not-asked"));
    assert.deepEqual(bytes(...sent), encodeVersion(version));
  });
}

test("every answer waits for its question", () => {
  const { driver, sent } = talk("COW");
  const spoken: number[] = [];
  const server = bytes(
    encodeVersion("3.8"),
    DIALOGUES["3.8"]["vnc-authentication"].server,
    encodeServerInit(SERVER_INIT),
  );

  for (const piece of inPieces(server, 1)) {
    const before = sent.length;
    driver.push(piece);
    if (sent.length > before) spoken.push(piece.byteOffset + 1);
  }

  assert.deepEqual(spoken, [12, 12 + 3, 12 + 3 + 16, 12 + 3 + 16 + 4]);
});

test("signing in begins once the server has shown that it speaks RFB", () => {
  let began = 0;
  const { driver } = talk(undefined, () => began++);

  driver.push(fromLatin1("RFB 003.008"));
  assert.equal(began, 0);
  driver.push(fromLatin1("\n"));
  assert.equal(began, 1);
});

describe("a server that says no", () => {
  const over = (version: "3.3" | "3.7" | "3.8", ...words: readonly Bytes[]) =>
    bytes(encodeVersion(version), ...words);

  for (const { title, server, kind, said, password } of [
    {
      title: "3.3 refuses with a reason",
      server: over("3.3", OK, reason("come back later")),
      kind: "refused",
      said: "come back later",
    },
    {
      title: "3.7 refuses with a reason",
      server: over("3.7", [0], reason("come back later")),
      kind: "refused",
      said: "come back later",
    },
    {
      title: "3.8 refuses with a reason",
      server: over("3.8", [0], reason("Too many security failures")),
      kind: "refused",
      said: "Too many security failures",
    },
    {
      title: "3.8 refuses with an empty reason",
      server: over("3.8", [0], reason("")),
      kind: "refused",
      said: "",
    },
    {
      title: "3.8 refuses although it asked for nothing",
      server: over("3.8", [1, 1], FAILED, reason("busy")),
      kind: "refused",
      said: "busy",
    },
    {
      title: "3.8 refuses with a reason of 4 GB, of which nothing is waited for",
      server: over("3.8", [0], [255, 255, 255, 255]),
      kind: "refused",
    },
    {
      title: "3.3 refuses the password",
      server: over("3.3", [0, 0, 0, 2], CHALLENGE, FAILED),
      kind: "authentication-failed",
      password: "wrong",
    },
    {
      title: "3.7 refuses the password",
      server: over("3.7", [1, 2], CHALLENGE, FAILED),
      kind: "authentication-failed",
      password: "wrong",
    },
    {
      title: "3.7 says that there were too many attempts",
      server: over("3.7", [1, 2], CHALLENGE, [0, 0, 0, 2]),
      kind: "authentication-failed",
      password: "wrong",
    },
    {
      title: "3.8 refuses the password with a reason",
      server: over("3.8", [1, 2], CHALLENGE, FAILED, reason("Authentication failed\0")), // as QEMU does
      kind: "authentication-failed",
      said: "Authentication failed",
      password: "wrong",
    },
    {
      title: "3.8 refuses the password with a reason of 4 GB",
      server: over("3.8", [1, 2], CHALLENGE, FAILED, [255, 255, 255, 255]),
      kind: "authentication-failed",
      password: "wrong",
    },
    {
      title: "3.3 wants a password that is not on record",
      server: over("3.3", [0, 0, 0, 2]),
      kind: "password-missing",
    },
    {
      title: "3.8 wants a password that is not on record",
      server: over("3.8", [1, 2]),
      kind: "password-missing",
    },
    {
      title: "3.3 decides for something unknown",
      server: over("3.3", [0, 0, 0, 16]),
      kind: "security-unsupported",
    },
    {
      title: "3.8 offers only what is unknown",
      server: over("3.8", [3, 6, 18, 30]),
      kind: "security-unsupported",
      password: "secret",
    },
    {
      title: "the desktop's name is said to be 4 GB long",
      server: over("3.3", [0, 0, 0, 1], new Uint8Array(20), [255, 255, 255, 255]),
      kind: "malformed",
    },
    { title: "the server speaks HTTP", server: fromLatin1("HTTP/1.1 400 Bad Request\r\n"), kind: "not-rfb" },
    { title: "the server speaks SSH", server: fromLatin1("SSH-2.0-OpenSSH_9.2p1\r\n"), kind: "not-rfb" },
    { title: "the server talks gibberish", server: new Uint8Array(100_000).fill(0xaa), kind: "not-rfb" },
  ] as const) {
    for (const size of PIECE_SIZES) {
      test(`${title}, read ${size} at a time`, () => {
        const options =
          "password" in { password, size } && password !== undefined ? { password, size } : { size };

        assert.throws(() => converse(server, options), failure(kind, said));
      });
    }
  }
});

test("what a server told about its screen does not hang on the buffer that it came in", () => {
  const { driver } = talk();
  const words = Buffer.from(bytes(encodeVersion("3.3"), [0, 0, 0, 1], encodeServerInit(SERVER_INIT)));

  driver.push(words);
  words.fill(0);

  assert.deepEqual(driver.result.serverInit, SERVER_INIT);
});

test("a reason is read whole before it is told", () => {
  const { driver } = talk();
  driver.push(bytes(encodeVersion("3.8"), [0], [0, 0, 0, 6], fromLatin1("closed").subarray(0, 5)));

  assert.throws(() => driver.push(fromLatin1("d")), failure("refused", "closed"));
});

test("whatever a server says, the handshake ends, fails or waits for a bounded number of bytes", () => {
  const word = fc.oneof(
    fc.constantFrom<Uint8Array>(
      ...RFB_VERSIONS.map(encodeVersion),
      bytes([1, 2]),
      bytes([1, 1]),
      bytes(OK),
      new Uint8Array(20),
      CHALLENGE,
    ),
    fc.uint8Array({ maxLength: 40 }),
  );
  fc.assert(
    fc.property(
      fc.array(word, { maxLength: 12 }),
      fc.integer({ min: 1, max: 50 }),
      fc.option(fc.string()),
      (words, size, password) => {
        const { driver } = talk(password ?? undefined);
        let pushed = 0;
        try {
          for (const piece of inPieces(bytes(...words), size)) {
            if (driver.done) return;
            driver.push(piece);
            pushed += piece.length;
          }
          // A server that goes on and on satisfies the handshake or is found out within its bounds.
          while (!driver.done) {
            driver.push(new Uint8Array(64));
            pushed += 64;
            assert.ok(pushed < 16_384, "the handshake swallows bytes without end");
          }
        } catch (error) {
          if (!(error instanceof ProtocolError)) throw error;
        }
      },
    ),
  );
});

test("what a server tells about its screen is read back as it was written", () => {
  fc.assert(
    fc.property(
      fc.record(
        {
          width: fc.nat(0xffff),
          height: fc.nat(0xffff),
          pixelFormat: fc.uint8Array({ minLength: 16, maxLength: 16 }),
          name: fc.string({ unit: "grapheme", maxLength: 200 }),
        },
        { noNullPrototype: true },
      ),
      (serverInit) => {
        const words = bytes(encodeVersion("3.3"), [0, 0, 0, 1], encodeServerInit(serverInit));

        assert.deepEqual(converse(words, { size: 5 }).driver.result.serverInit, serverInit);
      },
    ),
  );
});

test("a name that is too long to be read is cut at a whole character when it is written", () => {
  const name = "ü".repeat(5000);
  const words = bytes(encodeVersion("3.3"), [0, 0, 0, 1], encodeServerInit({ ...SERVER_INIT, name }));

  assert.equal(converse(words).driver.result.serverInit.name, "ü".repeat(2048));
});

test("a name that is not UTF-8 is shown as well as it can be", () => {
  const init = new ByteWriter()
    .u16(1)
    .u16(1)
    .padding(16)
    .u32(3)
    .bytes(Uint8Array.of(0x41, 0xff, 0x42))
    .finish();

  const { driver } = converse(bytes(encodeVersion("3.3"), [0, 0, 0, 1], init));

  assert.equal(driver.result.serverInit.name, "A\ufffdB");
});
