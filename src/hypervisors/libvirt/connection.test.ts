import assert from "node:assert/strict";
import { type Duplex, duplexPair } from "node:stream";
import { test } from "node:test";
import { concat } from "#base/bytes.ts";
import {
  type Call,
  getMetadata,
  getXml,
  REMOTE_PROGRAM,
  REMOTE_VERSION,
  screenshot,
} from "#protocols/libvirt/calls.ts";
import { writeDomain } from "#protocols/libvirt/domain.ts";
import { encodeKeepalive, KEEPALIVE_PROGRAM } from "#protocols/libvirt/keepalive.ts";
import { LIFECYCLE_PROCEDURE } from "#protocols/libvirt/lifecycle.ts";
import { encodePacket, type Packet, PacketReader } from "#protocols/libvirt/packet.ts";
import { XdrWriter } from "#protocols/libvirt/xdr.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { heldBytes } from "../../../test/harness/held-memory.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { LibvirtConnection, limits } from "./connection.ts";

// Of what no real libvirt can be brought to do. What one does stands in test/peers/libvirt-rpc.test.ts.

const DOMAIN = { name: "test", uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", id: 1 };
const XML: Call<string> = getXml(DOMAIN, { isSecure: false });
const METADATA: Call<string> = getMetadata(DOMAIN, "urn:none");

test("as many calls are out at once as libvirt works on, and each answer lets the next one out", async () => {
  using under = open();
  const calls = Array.from({ length: limits.callsInFlight + 2 }, () => under.connection.call(XML));
  await eventually(() => assert.equal(under.heard.length, limits.callsInFlight));

  under.answer(1, "second first");
  await eventually(() => assert.equal(under.heard.length, limits.callsInFlight + 1));
  under.answer(0, "first");
  await eventually(() => assert.equal(under.heard.length, limits.callsInFlight + 2));
  for (let index = 2; index < calls.length; index++) under.answer(index, `${index}`);

  assert.deepEqual(await Promise.all(calls), ["first", "second first", "2", "3", "4", "5"]);
});

test("what is answered from memory goes out beside what may hang, more of it at once, and both leave each other their places", async () => {
  using under = open();
  const { callsInFlight, quickCallsInFlight } = limits;
  const ask = (call: Call<string>, times: number) => {
    for (let calls = 0; calls < times; calls++) void under.connection.call(call).catch(() => {});
  };
  ask(XML, callsInFlight + 1);
  ask(METADATA, quickCallsInFlight + 1);
  await eventually(() => assert.equal(under.heard.length, callsInFlight + quickCallsInFlight));

  under.answer(callsInFlight, "quick");
  await eventually(() => assert.equal(under.heard.length, callsInFlight + quickCallsInFlight + 1));
  under.answer(0, "slow");
  await eventually(() => assert.equal(under.heard.length, callsInFlight + quickCallsInFlight + 2));

  const last = under.heard.slice(-2).map(({ procedure }) => procedure);
  assert.deepEqual(last, [METADATA.procedure, XML.procedure]);
});

test("a call that was given up keeps its place until libvirt has answered, and its answer goes nowhere", async () => {
  using under = open();
  const giveUp = new AbortController();
  const given = Array.from({ length: limits.callsInFlight }, () =>
    under.connection.call(XML, { signal: giveUp.signal }),
  );
  const next = under.connection.call(XML);
  await eventually(() => assert.equal(under.heard.length, limits.callsInFlight));

  giveUp.abort(new Error("nobody waits"));
  for (const call of given) await assert.rejects(call, /nobody waits/);
  const out = under.heard.length;
  under.answer(0, "late");
  await eventually(() => assert.equal(under.heard.length, limits.callsInFlight + 1));
  under.answer(limits.callsInFlight, "next");

  assert.equal(out, limits.callsInFlight);
  assert.equal(await next, "next");
});

test("a call that waits and is given up is never made", async () => {
  using under = open();
  for (let calls = 0; calls < limits.callsInFlight; calls++) void under.connection.call(XML).catch(() => {});
  const giveUp = new AbortController();
  const waiting = under.connection.call(XML, { signal: giveUp.signal });
  const last = under.connection.call(XML);
  giveUp.abort(new Error("nobody waits"));
  await assert.rejects(waiting, /nobody waits/);

  await eventually(() => assert.equal(under.heard.length, limits.callsInFlight));
  under.answer(0, "first");
  await eventually(() => assert.equal(under.heard.length, limits.callsInFlight + 1));
  under.answer(limits.callsInFlight, "last");

  assert.equal(await last, "last");
});

test("no more calls wait than there is a bound for", async () => {
  using under = open();
  const calls = Array.from({ length: limits.callsInFlight + limits.callsWaiting }, () =>
    under.connection.call(XML),
  );
  for (const call of calls) call.catch(() => {});

  await assert.rejects(under.connection.call(XML), /too many calls/);
});

test("a call that is not answered in time fails for its caller alone", async () => {
  using under = open();
  const slow = under.connection.call(XML, { withinMs: 1 });
  const other = under.connection.call(XML);

  await assert.rejects(slow, /has not answered within/);
  await eventually(() => assert.equal(under.heard.length, 2));
  under.answer(1, "other");

  assert.equal(await other, "other");
});

test("a libvirt that says nothing, not even that it is there, is given up with all that was asked", async () => {
  using under = open({ keepaliveMs: 5, silentMs: 50 });
  const call = under.connection.call(XML);

  await assert.rejects(call, /does not answer any more/);

  assert.ok(under.packets.some(({ program }) => program === KEEPALIVE_PROGRAM));
  assert.equal(under.connection.isOpen, false);
  await assert.rejects(under.connection.call(XML), HypervisorError);
});

test("one that answers that it is there, and none of the calls that nobody waits for any more, is given up", async () => {
  using under = open({ keepaliveMs: 5, hungMs: 50 });
  const pongs = setInterval(() => under.say(encodeKeepalive("pong")), 5);
  const waited: Promise<unknown>[] = [];
  for (let calls = 0; calls < limits.callsInFlight; calls++)
    waited.push(assert.rejects(under.connection.call(XML, { withinMs: 1 }), /has not answered within/));
  const behind = under.connection.call(XML);

  await Promise.all(waited);
  await assert.rejects(behind, /hangs in all/);

  clearInterval(pongs);
  assert.match((await under.connection.ended).message, /hangs in all/);
});

test("one that hangs in some of its calls is kept for the others", async () => {
  using under = open({ keepaliveMs: 5, hungMs: 0 });
  for (let calls = 1; calls < limits.callsInFlight; calls++)
    await assert.rejects(under.connection.call(XML, { withinMs: 1 }), /has not answered within/);
  const other = under.connection.call(XML);
  await eventually(() =>
    assert.ok(under.packets.filter(({ program }) => program === KEEPALIVE_PROGRAM).length > 2),
  );
  under.answer(limits.callsInFlight - 1, "other");

  assert.equal(await other, "other");
});

test("one that floods with questions whether we are there, and takes no answer, makes nothing grow", async () => {
  const [near, far] = duplexPair();
  far.pause();
  const connection = new LibvirtConnection(near);
  const ping = Buffer.concat(Array.from({ length: 1000 }, () => encodeKeepalive("ping")));
  for (let times = 0; times < 100; times++) await new Promise((resolve) => far.write(ping, resolve));

  await eventually(() => assert.ok(near.writableLength > 0));
  assert.ok(near.writableLength <= limits.unreadBytes + 28);
  connection.close();
});

const nonsense: Readonly<Record<string, (call: Packet) => Uint8Array>> = {
  "an answer to nothing": (call) => encodePacket({ ...reply(call, "x"), serial: call.serial + 1 }),
  "an answer of another procedure": (call) => encodePacket({ ...reply(call, "x"), procedure: 1 }),
  "an end that nobody has asked for": (call) =>
    encodePacket({ ...reply(call, "x"), type: "stream", status: "ok" }),
  "a stream that was not asked for": (call) => encodePacket({ ...reply(call, "x"), type: "stream" }),
  "a call of its own": (call) => encodePacket({ ...reply(call, "x"), type: "call" }),
  "another program": (call) => encodePacket({ ...reply(call, "x"), program: 7 }),
  "an answer that is cut off": (call) => {
    const whole = reply(call, "four");
    return encodePacket({ ...whole, body: whole.body.subarray(0, 6) });
  },
  "something else altogether": () => new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"),
};
for (const [what, make] of Object.entries(nonsense))
  test(`${what} ends the connection, and says that this is not libvirt`, async () => {
    using under = open();
    const call = under.connection.call(XML);
    await eventually(() => assert.equal(under.heard.length, 1));

    under.say(make(under.call(0)));

    await assert.rejects(call, {
      name: "HypervisorError",
      step: "answer",
      message: /not libvirt's protocol/,
    });
  });

test("a picture is whole, whether its pieces come before its call is answered or after", async () => {
  const orders = ["answer piece piece end", "piece piece end answer", "piece answer piece end"];
  for (const order of orders) {
    using under = open();
    const picture = under.connection.download(screenshot(DOMAIN), { maxBytes: 100 });
    await eventually(() => assert.equal(under.heard.length, 1));
    const call = under.call(0);
    const stream = { ...reply(call, ""), type: "stream", status: "continue" } as const;
    const says: Readonly<Record<string, Packet>> = {
      answer: { ...reply(call, ""), body: new XdrWriter().uint(0).finish() },
      piece: { ...stream, body: Uint8Array.of(1, 2) },
      end: { ...stream, body: new Uint8Array(0) },
    };
    for (const what of order.split(" ")) under.say(encodePacket(says[what] ?? stream));
    await eventually(() => assert.equal(under.packets.at(-1)?.type, "stream"));
    assert.equal(under.packets.at(-1)?.status, "ok");
    under.say(encodePacket({ ...stream, status: "ok", body: new Uint8Array(0) }));

    assert.deepEqual((await picture).bytes, Uint8Array.of(1, 2, 1, 2), order);
  }
});

test("a picture that comes byte by byte takes no hundred times its length", async () => {
  using under = open();
  const pieces = 100_000;
  const picture = under.connection.download(screenshot(DOMAIN), { maxBytes: pieces });
  await eventually(() => assert.equal(under.heard.length, 1));
  const call = under.call(0);
  const stream = { ...reply(call, ""), type: "stream", status: "continue" } as const;
  under.say(encodePacket({ ...reply(call, ""), body: new XdrWriter().uint(0).finish() }));
  const before = heldBytes();

  const piece = encodePacket({ ...stream, body: Uint8Array.of(1) });
  for (let said = 0; said < pieces; said++) under.near.emit("data", Uint8Array.from(piece));
  const held = heldBytes() - before;
  under.say(encodePacket({ ...stream, body: new Uint8Array(0) }));
  under.say(encodePacket({ ...stream, status: "ok", body: new Uint8Array(0) }));

  assert.equal((await picture).bytes.length, pieces);
  assert.ok(held < 40 * pieces, `${held} bytes`);
});

test("whoever closes the connection from an event is told of no more", async () => {
  const told: string[] = [];
  using under = open({
    onLifecycle: ({ domain }) => {
      told.push(domain.name);
      under.connection.close();
    },
  });
  const body = lifecycle();

  const event = encodePacket({
    ...{ program: REMOTE_PROGRAM, version: REMOTE_VERSION, procedure: LIFECYCLE_PROCEDURE },
    ...{ type: "message", serial: 0, status: "ok", body },
  });
  under.near.emit("data", concat([event, event]));

  assert.deepEqual(told, ["test"]);
});

test("a connection that is closed fails what is open with why", async () => {
  using under = open();
  const call = under.connection.call(XML);

  under.far.end();

  await assert.rejects(call, /libvirt closed the connection/);
  assert.match((await under.connection.ended).message, /libvirt closed/);
});

function open(options: ConstructorParameters<typeof LibvirtConnection>[1] = {}) {
  const [near, far]: [Duplex, Duplex] = duplexPair();
  const connection = new LibvirtConnection(near, options);
  const reader = new PacketReader();
  const packets: Packet[] = [];
  const heard: Packet[] = [];
  far.on("data", (chunk: Uint8Array) => {
    for (const packet of reader.push(chunk)) {
      packets.push(packet);
      if (packet.type === "call") heard.push(packet);
    }
  });
  const say = (bytes: Uint8Array) => void far.write(bytes);
  const call = (index: number) => {
    const packet = heard[index];
    assert.ok(packet !== undefined);
    return packet;
  };
  return {
    connection,
    near,
    far,
    packets,
    heard,
    say,
    call,
    answer: (index: number, text: string) => say(encodePacket(reply(call(index), text))),
    [Symbol.dispose]: () => {
      connection.close();
      far.destroy();
    },
  };
}

function lifecycle(): Uint8Array {
  const writer = new XdrWriter().int(1);
  writeDomain(writer, DOMAIN);
  return writer.int(0).int(0).finish();
}

function reply({ procedure, serial }: Packet, text: string): Packet {
  const body = new XdrWriter().string(text).finish();
  return {
    program: REMOTE_PROGRAM,
    version: REMOTE_VERSION,
    procedure,
    type: "reply",
    serial,
    status: "ok",
    body,
  };
}
