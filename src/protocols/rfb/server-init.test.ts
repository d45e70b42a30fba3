import assert from "node:assert/strict";
import { test } from "node:test";
import { concat, fromLatin1 } from "#base/bytes.ts";
import { SequenceDriver } from "#base/sequence.ts";
import { inPieces, PIECE_SIZES } from "../pieces.ts";
import { encodeServerInit, readServerInit } from "./server-init.ts";

/** RFC 6143 §7.3.2: 1024 by 768 pixels, 32 bits of which 24 are colour, little-endian, red highest. */
const SCREEN = [4, 0, 3, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0];

function named(name: string): Uint8Array {
  return concat([Uint8Array.from(SCREEN), Uint8Array.of(0, 0, 0, name.length), fromLatin1(name)]);
}

for (const size of PIECE_SIZES) {
  test(`ConsoleProxyNoVncClientTest.rewriteServerNameInServerInitTest: a new name changes nothing else, read by ${size}`, () => {
    const driver = new SequenceDriver(readServerInit());

    for (const piece of inPieces(named("QEMU (i-2-8-VM)"), size)) driver.push(piece);
    const renamed = encodeServerInit({ ...driver.result, name: "server123, backend:TLS" });

    assert.deepEqual([...renamed], [...named("server123, backend:TLS")]);
  });
}
