import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fromLatin1, latin1 } from "#base/bytes.ts";
import { SequenceDriver } from "#base/sequence.ts";
import { HandshakeError } from "./handshake-error.ts";
import { encodeVersion, parseVersion, RFB_VERSIONS, readVersion } from "./version.ts";

const notRfb = (error: unknown) => error instanceof HandshakeError && error.kind === "not-rfb";

test("a version is written as RFC 6143 has it", () => {
  assert.equal(latin1(encodeVersion("3.3")), "RFB 003.003\n");
  assert.equal(latin1(encodeVersion("3.7")), "RFB 003.007\n");
  assert.equal(latin1(encodeVersion("3.8")), "RFB 003.008\n");
});

for (const version of RFB_VERSIONS) {
  test(`version ${version} is read back as it was written`, () => {
    assert.equal(parseVersion(encodeVersion(version)), version);
  });
}

for (const [line, version] of [
  ["RFB 003.889\n", "3.8"], // Apple
  ["RFB 004.000\n", "3.8"], // RealVNC
  ["RFB 004.001\n", "3.8"],
  ["RFB 005.000\n", "3.8"],
  ["RFB 003.005\n", "3.3"],
  ["RFB 003.006\n", "3.3"], // old UltraVNC
] as const) {
  test(`a peer that says ${line.trim()} is spoken to in ${version}`, () => {
    assert.equal(parseVersion(fromLatin1(line)), version);
  });
}

for (const line of ["HTTP/1.1 400", "RFB 000.000\n", "RFB 3.008\n  ", "RFB 003.008\r", "rfb 003.008\n"]) {
  test(`${JSON.stringify(line)} is not RFB`, () => {
    assert.throws(() => parseVersion(fromLatin1(line)), notRfb);
  });
}

test("twelve bytes are a version or a HandshakeError", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 12, maxLength: 12 }), (line) => {
      try {
        assert.ok(RFB_VERSIONS.includes(parseVersion(line)));
      } catch (error) {
        assert.ok(notRfb(error));
      }
    }),
  );
});

test("a peer that speaks something else is found out before it has said twelve bytes", () => {
  const driver = new SequenceDriver(readVersion());

  assert.throws(() => driver.push(fromLatin1("220 ")), notRfb);
});
