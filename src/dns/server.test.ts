import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, test } from "node:test";
import { question, read, testZone } from "../../test/harness/dns.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { RATE, type Rate, RateLimit } from "./rate-limit.ts";
import { startNameServer } from "./server.ts";
import { TYPES } from "./zone.ts";

const QUESTION = question("203-0-113-7.console.example", TYPES.A);

async function start({
  host = "127.0.0.1",
  rate = RATE,
  idleMs = 60_000,
}: {
  readonly host?: string;
  readonly rate?: Rate;
  readonly idleMs?: number;
} = {}) {
  const outcomes: string[] = [];
  const zone = testZone();
  const server = await startNameServer(
    [{ host, port: 0 }],
    {
      zones: () => [zone],
      rateLimit: new RateLimit(rate),
      onOutcome: (transport, outcome) => outcomes.push(`${transport} ${outcome}`),
    },
    { idleMs },
  );
  const [address] = server.addresses;
  assert.ok(address !== undefined);
  return {
    outcomes,
    port: address.port,
    [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose](),
  };
}

async function byUdp(port: number, host = "127.0.0.1") {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  const received: Buffer[] = [];
  socket.on("message", (message) => received.push(message));
  socket.bind({ port: 0, address: host });
  await once(socket, "listening");
  return {
    received,
    send: (message: Buffer) => socket.send(message, port, host),
    [Symbol.dispose]: () => void socket.close(),
  };
}

async function byTcp(
  port: number,
  { host = "127.0.0.1", from }: { readonly host?: string; readonly from?: string } = {},
) {
  const socket = connect({ port, host, ...(from === undefined ? {} : { localAddress: from }) });
  let unread = Buffer.alloc(0);
  socket.on("data", (chunk) => {
    unread = Buffer.concat([unread, chunk]);
  });
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await once(socket, "connect");
  return {
    socket,
    closed,
    received: () => unread.length,
    answers: () => messagesOf(unread),
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

function messagesOf(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const end = at + 2 + bytes.readUInt16BE(at);
    if (end > bytes.length) break;
    messages.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return messages;
}

function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

async function write(socket: Socket, bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
}

for (const host of ["127.0.0.1", "::1"])
  test(`one port answers by UDP and by TCP at ${host}`, async () => {
    await using server = await start({ host });
    using udp = await byUdp(server.port, host);
    using tcp = await byTcp(server.port, { host });

    udp.send(QUESTION);
    await write(tcp.socket, framed(QUESTION));

    await eventually(() => assert.deepEqual([udp.received.length, tcp.answers().length], [1, 1]));
    for (const bytes of [...udp.received, ...tcp.answers()]) assert.equal(read(bytes).answers?.length, 1);
    assert.deepEqual(server.outcomes.sort(), ["tcp NOERROR", "udp NOERROR"]);
  });

test("what is no question gets nothing, and the next question its answer", async () => {
  await using server = await start();
  using udp = await byUdp(server.port);
  const response = Buffer.from(QUESTION);
  response.writeUInt16BE(0x8000, 2);

  for (const message of [Buffer.alloc(0), Buffer.alloc(11, 1), response, QUESTION]) udp.send(message);

  await eventually(() => assert.equal(server.outcomes.length, 4));
  await eventually(() => assert.equal(udp.received.length, 1));
  assert.deepEqual(server.outcomes, ["udp ignored", "udp ignored", "udp ignored", "udp NOERROR"]);
});

test("a flood of one question is answered so often and no more, and the hint to come by TCP has no records", async () => {
  const rate = { ...RATE, answersPerSecond: 2 };
  await using server = await start({ rate });
  using udp = await byUdp(server.port);

  // More than one second may pass: nearly all are limited in any case.
  for (let sent = 0; sent < 100; sent += 1) udp.send(QUESTION);

  await eventually(() => assert.equal(server.outcomes.length, 100));
  assert.ok(server.outcomes.filter((outcome) => outcome === "udp limited").length >= 50);
  await eventually(() => assert.ok(udp.received.some((bytes) => read(bytes).flag_tc)));
  for (const bytes of udp.received) assert.equal(read(bytes).answers?.length, read(bytes).flag_tc ? 0 : 1);
});

describe("a TCP connection", () => {
  test("brings many questions at once and in pieces of a byte, and has the answers in their order", async () => {
    await using server = await start();
    using tcp = await byTcp(server.port);
    const questions = Array.from({ length: 20 }, (_, id) =>
      framed(question("console.example", TYPES.A, { id })),
    );

    await write(tcp.socket, Buffer.concat(questions.slice(0, 10)));
    for (const byte of Buffer.concat(questions.slice(10))) await write(tcp.socket, Buffer.from([byte]));

    await eventually(() => assert.equal(tcp.answers().length, 20));
    assert.deepEqual(
      tcp.answers().map((bytes) => read(bytes).id),
      Array.from({ length: 20 }, (_, id) => id),
    );
  });

  test("that says something too long, or no question, is closed", async () => {
    await using server = await start();
    for (const bytes of [Buffer.from([0xff, 0xff]), framed(Buffer.alloc(3)), framed(Buffer.alloc(0))]) {
      using tcp = await byTcp(server.port);
      await write(tcp.socket, bytes);
      await tcp.closed;
    }
    assert.deepEqual(server.outcomes, ["tcp ignored", "tcp ignored", "tcp ignored"]);
  });

  test("that brings no whole question for a while is closed", async () => {
    await using server = await start({ idleMs: 20 });
    using silent = await byTcp(server.port);
    using half = await byTcp(server.port);

    await write(half.socket, framed(QUESTION).subarray(0, 10));

    await Promise.all([silent.closed, half.closed]);
  });

  test("that takes no answers is read no further", async () => {
    await using server = await start();
    using tcp = await byTcp(server.port);
    tcp.socket.pause();
    const many = Buffer.concat(Array<Buffer>(2000).fill(framed(QUESTION)));

    // As long as the server reads, all that is written is taken in the end.
    let written = 0;
    const goOn = () => {
      while (tcp.socket.writableLength < many.length * 4 && written < 1000) {
        written += 1;
        tcp.socket.write(many);
      }
    };
    tcp.socket.on("drain", goOn);
    goOn();
    let before = -1;
    await eventually(() => {
      const now = server.outcomes.length;
      const isStill = now > 0 && now === before;
      before = now;
      assert.ok(isStill, "the server still answers");
    });
    const answered = server.outcomes.length;
    assert.ok(answered < 2_000_000, `it has answered ${answered}`);
    tcp.socket.resume();

    await eventually(() => assert.ok(server.outcomes.length > answered));
  });

  test("is one of so many of its address, and others are closed", async () => {
    await using server = await start();
    await using opened = new AsyncDisposableStack();
    const connections: Awaited<ReturnType<typeof byTcp>>[] = [];
    for (let count = 0; count < 32; count += 1) connections.push(opened.use(await byTcp(server.port)));

    using beyond = await byTcp(server.port);
    await beyond.closed;
    await write(connections[0]?.socket ?? beyond.socket, framed(QUESTION));

    await eventually(() => assert.equal(connections[0]?.answers().length, 1));
  });

  test("takes the place of the one that has asked nothing for longest", async () => {
    await using server = await start();
    await using opened = new AsyncDisposableStack();
    const connections: Awaited<ReturnType<typeof byTcp>>[] = [];
    const from = (count: number) => `127.0.1.${1 + Math.floor(count / 32)}`;
    for (let count = 0; count < 256; count += 1)
      connections.push(opened.use(await byTcp(server.port, { from: from(count) })));
    const [first, second] = connections;
    assert.ok(first !== undefined && second !== undefined);
    await write(first.socket, framed(QUESTION));
    await eventually(() => assert.equal(first.answers().length, 1));

    using young = await byTcp(server.port, { from: "127.0.2.1" });
    await second.closed;
    for (const { socket } of [first, young]) await write(socket, framed(QUESTION));

    await eventually(() => assert.deepEqual([first.answers().length, young.answers().length], [2, 1]));
  });

  test("ends with the server", async () => {
    const server = await start();
    using tcp = await byTcp(server.port);
    await write(tcp.socket, framed(QUESTION));
    await eventually(() => assert.equal(tcp.answers().length, 1));

    await server[Symbol.asyncDispose]();

    await tcp.closed;
  });
});

test("a port that is taken is an error of the system, and nothing is left open", async () => {
  await using server = await start();
  const at = [
    { host: "127.0.0.1", port: 0 },
    { host: "127.0.0.1", port: server.port },
  ];
  const answering = { zones: () => [], rateLimit: new RateLimit(), onOutcome() {} };

  await assert.rejects(startNameServer(at, answering), { code: "EADDRINUSE" });
});
