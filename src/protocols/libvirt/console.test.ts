import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { concat } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { SequenceDriver } from "#base/sequence.ts";
import { inPieces, PIECE_SIZES } from "../pieces.ts";
import { openConsoleLine, SignInUnspoken } from "./console.ts";
import { type ConsoleEvent, ConsoleReader, consoleLimits, encodeEnd, encodeTyped } from "./console-stream.ts";
import { encodeKeepalive } from "./keepalive.ts";
import { encodePacket, type Packet, PacketReader } from "./packet.ts";
import { RemoteError } from "./remote-error.ts";
import { XdrWriter } from "./xdr.ts";

const REQUEST = {
  ...{ uri: "qemu:///system", domain: "6695eb01-f6a4-8304-79aa-97f2502e193f", device: "serial0" },
  isFar: false,
};
const FAR = { ...REQUEST, isFar: true };
const NONE = new Uint8Array(0);
const uints = (...values: readonly number[]) => {
  const writer = new XdrWriter();
  for (const value of values) writer.uint(value);
  return writer.finish();
};

/** What libvirt says to the call of that number. */
function says(procedure: number, serial: number, body: Uint8Array = NONE, more: Partial<Packet> = {}) {
  const about = { program: 0x20008086, version: 1, procedure, serial, body } as const;
  return encodePacket({ ...about, type: "reply", status: "ok", ...more });
}

function refusal(code: number): Uint8Array {
  return new XdrWriter()
    .int(code)
    .int(10)
    .uint(0)
    .int(2)
    .uint(0)
    .uint(0)
    .uint(0)
    .uint(0)
    .int(0)
    .int(0)
    .uint(0)
    .finish();
}

const STREAM = { type: "stream", status: "continue" } as const;
const OPENING = {
  near: [says(66, 1, uints(1, 0)), says(1, 2), says(201, 3)],
  polkit: [says(66, 1, uints(1, 2)), says(70, 2, uints(1)), says(1, 3), says(201, 4)],
  far: [Uint8Array.of(1), says(66, 1, uints(1, 0)), says(1, 2), says(60, 3, uints(1)), says(201, 4)],
};

function opened(request: typeof REQUEST, answers: readonly Uint8Array[], size = Infinity) {
  const sent: Uint8Array[] = [];
  const driver = new SequenceDriver(openConsoleLine((bytes) => void sent.push(bytes), request));
  for (const piece of inPieces(concat(answers), size)) driver.push(piece);
  const asked = [...new PacketReader().push(concat(sent))].map(({ procedure }) => procedure);
  return { asked, result: driver.done ? driver.result : undefined, rest: driver.rest };
}

test("a line is asked for by libvirt's calls in their order, in whatever pieces the answers come", () => {
  for (const size of PIECE_SIZES) {
    const near = opened(REQUEST, OPENING.near, size);
    const polkit = opened(REQUEST, OPENING.polkit, size);
    const far = opened(FAR, OPENING.far, size);

    assert.deepEqual(near.asked, [66, 1, 201]);
    assert.deepEqual(near.result, { serial: 3, early: NONE, keepsAlive: false });
    assert.deepEqual(polkit.asked, [66, 70, 1, 201]);
    assert.deepEqual(far.asked, [66, 1, 60, 201]);
    assert.deepEqual(far.result, { serial: 4, early: NONE, keepsAlive: true });
  }
});

test("what a machine says before the answer stands first, and a ping in between is answered", () => {
  const early = says(201, 3, Uint8Array.of(7, 8), STREAM);
  const [types, open, answer] = OPENING.near;
  const answers = [
    types,
    encodeKeepalive("ping"),
    open,
    early,
    answer,
    says(201, 3, Uint8Array.of(9), STREAM),
  ];
  const { asked, result, rest } = opened(
    REQUEST,
    answers.map((each) => each ?? NONE),
  );

  assert.deepEqual(asked, [66, 1, 2, 201]);
  assert.deepEqual(result?.early, Uint8Array.of(7, 8));
  assert.deepEqual([...new ConsoleReader(3).push(rest)], [{ kind: "said", bytes: Uint8Array.of(9) }]);
});

test("who is not let in, and what is no libvirt, is told apart", () => {
  const [types = NONE, open = NONE, answer = NONE] = OPENING.near;
  const failure = (body: Uint8Array) => says(201, 3, body, { status: "error" });
  const flood = Array.from({ length: 5 }, () => says(201, 3, new Uint8Array(256 * 1024), STREAM));

  assert.throws(() => opened(REQUEST, [says(66, 1, uints(1, 1))]), SignInUnspoken);
  assert.throws(() => opened(REQUEST, [types, open, failure(refusal(9))]), RemoteError);
  for (const wrong of [
    [Uint8Array.from([0x53, 0x53, 0x48, 0x2d, 0x32])],
    [types, says(1, 9)],
    [types, says(2, 2)],
    [types, says(1, 2, NONE, { type: "call" })],
    [types, says(1, 2, uints(1))],
    [types, open, says(201, 3, NONE, STREAM), answer],
    [types, open, ...flood, answer],
  ])
    assert.throws(() => opened(REQUEST, wrong), ProtocolError);
  assert.throws(() => opened(FAR, [Uint8Array.of(0)]), ProtocolError);
});

test("a line's bytes come out as they went in, whatever stands between them and however it is cut", () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(fc.array(bytes), fc.constantFrom(...PIECE_SIZES), fc.nat(20), (said, size, pingAt) => {
      const packets = said.map((each) => encodeTyped(4, each));
      const all = [
        ...packets.slice(0, pingAt),
        encodeKeepalive("ping"),
        ...packets.slice(pingAt),
        encodeEnd(4),
      ];
      const reader = new ConsoleReader(4);
      const events: ConsoleEvent[] = [];
      for (const piece of inPieces(concat(all), size)) events.push(...reader.push(piece));

      const heard = events.flatMap((event) => (event.kind === "said" ? [event.bytes] : []));
      assert.deepEqual(concat(heard), concat(said));
      assert.equal(events.filter(({ kind }) => kind === "ping").length, 1);
      assert.equal(events.at(-1)?.kind, "ended");
    }),
  );
});

test("what belongs to no line of ours, or is longer than libvirt says anything, is refused", () => {
  const read = (...packets: readonly Uint8Array[]) => [...new ConsoleReader(4).push(concat(packets))];

  assert.deepEqual(read(says(201, 4, NONE, STREAM)), [{ kind: "ended" }]);
  const [failed] = read(says(201, 4, refusal(38), { ...STREAM, status: "error" }));
  assert.ok(failed?.kind === "failed" && failed.error.code === 38);
  assert.deepEqual(read(says(318, 0, NONE, { type: "message" })), []);
  for (const wrong of [
    says(201, 5, uints(1), STREAM),
    says(211, 4, uints(1), STREAM),
    says(201, 4, uints(1)),
    encodeTyped(4, new Uint8Array(consoleLimits.packetBytes)),
    says(201, 4, uints(1), { ...STREAM, program: 7 }),
  ])
    assert.throws(() => read(wrong), ProtocolError);
});
