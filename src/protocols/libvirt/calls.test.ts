import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ProtocolError } from "#base/protocol-error.ts";
import {
  authenticationTypes,
  type Call,
  getState,
  getXml,
  listAllDomains,
  lookupByUuid,
  screenshot,
} from "./calls.ts";
import { type RemoteDomain, readDomain, writeDomain } from "./domain.ts";
import { readLifecycle } from "./lifecycle.ts";
import { RemoteError, readRemoteError } from "./remote-error.ts";
import { XdrReader, XdrWriter } from "./xdr.ts";

const domain = fc.record(
  {
    name: fc.string({ unit: "grapheme" }),
    uuid: fc.uuid(),
    id: fc.integer({ min: -1, max: 0x7fff_ffff }),
  },
  { noNullPrototype: true },
);
const TEST: RemoteDomain = { name: "test", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 1 };

test("a domain comes out as it was put in, in whole units", () => {
  fc.assert(
    fc.property(domain, (each) => {
      const writer = new XdrWriter();
      writeDomain(writer, each);
      const bytes = writer.finish();

      assert.equal(bytes.length % 4, 0);
      assert.deepEqual(readDomain(new XdrReader(bytes)), each);
    }),
  );
});

test("a list of domains is read to its end", () => {
  fc.assert(
    fc.property(fc.array(domain, { maxLength: 20 }), (domains) => {
      const writer = new XdrWriter().uint(domains.length);
      for (const each of domains) writeDomain(writer, each);
      const answer = writer.uint(domains.length).finish();

      assert.deepEqual(read(listAllDomains(0), answer), domains);
      assert.throws(() => read(listAllDomains(0), answer.subarray(0, -1)), ProtocolError);
      assert.throws(() => read(listAllDomains(0), Uint8Array.of(...answer, 0)), ProtocolError);
    }),
  );
});

test("a list that says that it is longer than what came is refused", () => {
  const answer = new XdrWriter().uint(16_384).uint(0).finish();

  assert.throws(() => read(listAllDomains(0), answer), ProtocolError);
});

test("libvirt's refusal is told in bounded words", () => {
  assert.equal(new RemoteError(1, "x".repeat(100_000)).message.length, 1_000);
});

test("libvirt's refusal is told by its number and in its words", () => {
  const writer = new XdrWriter().int(42).int(10);
  writer.optional("Domain not found", (each, text) => void each.string(text)).int(2);
  writer.optional(TEST, writeDomain);
  for (let strings = 0; strings < 3; strings++) writer.optional("%s", (each, text) => void each.string(text));
  const answer = writer
    .int(-1)
    .int(-1)
    .optional(undefined, () => {})
    .finish();

  const error = readRemoteError(new XdrReader(answer));

  assert.ok(error instanceof RemoteError);
  assert.equal(error.code, 42);
  assert.equal(error.message, "Domain not found");
});

test("whatever an answer, an event or an error is made of, it is read or is no protocol", () => {
  const calls: readonly Call<unknown>[] = [
    authenticationTypes(),
    listAllDomains(0),
    lookupByUuid(TEST.uuid),
    getState(TEST),
    getXml(TEST, { isSecure: true }),
    screenshot(TEST),
  ];
  const readers = [
    ...calls.map((call) => (bytes: Uint8Array) => read(call, bytes)),
    readLifecycle,
    (bytes: Uint8Array) => readRemoteError(new XdrReader(bytes)),
  ];
  // Of small numbers, which lengths and flags are, as well as of any bytes.
  const word = fc.integer({ min: 0, max: 5 }).map((value) => [0, 0, 0, value]);
  const words = fc.array(word, { maxLength: 40 }).map((each) => Uint8Array.from(each.flat()));
  fc.assert(
    fc.property(fc.oneof(words, fc.uint8Array({ maxLength: 120 })), (bytes) => {
      for (const reader of readers) {
        try {
          reader(bytes);
        } catch (error) {
          assert.ok(error instanceof ProtocolError, String(error));
        }
      }
    }),
  );
});

test("what is no UUID is not asked for", () => {
  for (const uuid of ["", "6695eb01", `${TEST.uuid}00`, "z695eb01-f6a4-8304-79aa-97f2502e193f"])
    assert.throws(() => lookupByUuid(uuid), ProtocolError);
});

function read<Result>(call: Call<Result>, bytes: Uint8Array): Result {
  return call.read(new XdrReader(bytes));
}
