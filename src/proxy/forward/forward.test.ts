import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { after, before, test } from "node:test";
import { decode } from "fast-png";
import { encodeFramebufferUpdate } from "#protocols/rfb/framebuffer-update.ts";
import { BINARY_SUBPROTOCOL, EXTRA_ENTRY_PREFIX, SUBPROTOCOL, TICKET_ENTRY_PREFIX } from "#wire/viewer.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { type FleetNode, startFleet, type TestFleet } from "../../../test/harness/test-fleet.ts";
import { type Caller, startRfbUpstream } from "../../../test/harness/test-upstream.ts";
import { refusal, TestViewer, webSocketUrl } from "../../../test/harness/test-viewer.ts";

const MEBIBYTE = 1024 * 1024;
const POINTER_EVENT = Uint8Array.of(5, 0, 0, 1, 0, 1);

let fleet: TestFleet;
/** Carries the consoles. */
let addressee: FleetNode;
/** Where their viewers come in. */
let entrance: FleetNode;
before(async () => {
  fleet = await startFleet();
  addressee = await fleet.start();
  entrance = await fleet.start();
});
after(async () => await fleet[Symbol.asyncDispose]());

const session = async (id: string) => await fleet.control.services.sessions.get(fleet.control.admin, id);

for (const [dialect, connect] of [
  ["porthole.v1", TestViewer.porthole],
  ["bare", TestViewer.bare],
] as const)
  test(`a ${dialect} viewer that comes to another node than its ticket's gets its console`, async () => {
    await using machine = await startRfbUpstream(({ socket }) => socket.write("hello"));
    const { ticket, sessionId } = await fleet.issue(machine.upstream);

    await using viewer = await connect(entrance.origin, ticket);
    await viewer.handshake();
    viewer.send(POINTER_EVENT);

    await eventually(() => assert.equal(viewer.bytes.toString(), "hello"));
    const caller = await machine.caller();
    await eventually(() => assert.deepEqual(Buffer.concat(caller.said), Buffer.from(POINTER_EVENT)));
    await eventually(async () => assert.equal((await session(sessionId)).state, "active"));
    assert.equal((await session(sessionId)).nodeId, addressee.id);
  });

test("the session ends as the viewer ended it, and says where the viewer was", async () => {
  await using machine = await startRfbUpstream();
  const { ticket, sessionId } = await fleet.issue(machine.upstream);
  const url = `${webSocketUrl(entrance.origin)}/websockify?token=${ticket}`;
  const viewer = await TestViewer.connect(url, {
    protocols: [BINARY_SUBPROTOCOL],
    localAddress: "127.0.0.9",
    headers: { "porthole-viewer-address": "192.0.2.66", "Porthole-Viewer-Address": "192.0.2.67" },
  });
  await viewer.handshake();

  viewer.webSocket.close();

  await eventually(async () => assert.equal((await session(sessionId)).ending?.code, "viewer_closed"));
  assert.equal((await session(sessionId)).viewerAddress, "127.0.0.9");
});

test("nobody but a node can say for a viewer where it is", async () => {
  await using machine = await startRfbUpstream();
  const { ticket, sessionId } = await fleet.issue(machine.upstream);
  const url = `${webSocketUrl(addressee.origin)}/websockify?token=${ticket}`;

  const headers = { "porthole-viewer-address": "192.0.2.66" };
  await using viewer = await TestViewer.connect(url, { protocols: [BINARY_SUBPROTOCOL], headers });
  await viewer.handshake();

  assert.equal((await session(sessionId)).viewerAddress, "127.0.0.1");
});

test("a viewer whose machine hangs up is told so with the addressee's words and close code", async () => {
  await using machine = await startRfbUpstream();
  const { ticket, sessionId } = await fleet.issue(machine.upstream);
  await using viewer = await TestViewer.porthole(entrance.origin, ticket);
  await viewer.handshake();

  (await machine.caller()).socket.end();

  assert.deepEqual(await viewer.untilClosed(), { code: 4440, reason: "upstream_closed" });
  const ending = { kind: "closed", code: "upstream_closed", reference: sessionId };
  assert.deepEqual(viewer.texts.at(-1), { type: "ending", ending });
});

test("what the addressee refuses, it refuses in its own words, and nobody opens anything", async () => {
  await using machine = await startRfbUpstream();
  const { ticket } = await fleet.issue(machine.upstream, { extra: "right" });
  const url = `${webSocketUrl(entrance.origin)}/websockify`;
  const entry = `${TICKET_ENTRY_PREFIX}${ticket}`;
  const extra = (text: string) => `${EXTRA_ENTRY_PREFIX}${Buffer.from(text).toString("base64url")}`;

  const { status, body } = await refusal(`${url}?token=${ticket}&extra=wrong`);
  assert.equal(status, 403);
  assert.equal(JSON.parse(body).error.code, "extra_token_mismatch");
  await using told = await TestViewer.connect(url, { protocols: [SUBPROTOCOL, entry, extra("wrong")] });
  assert.deepEqual(await told.untilClosed(), { code: 4412, reason: "extra_token_mismatch" });
  assert.equal(machine.callers.length, 0);

  await using viewer = await TestViewer.connect(url, { protocols: [SUBPROTOCOL, entry, extra("right")] });
  await viewer.handshake();
  await using again = await TestViewer.porthole(addressee.origin, ticket);
  assert.deepEqual(await again.untilClosed(), { code: 4411, reason: "ticket_used" });
});

test("of many who come with one ticket to all entrances, one gets the console", async () => {
  await using machine = await startRfbUpstream();
  const { ticket } = await fleet.issue(machine.upstream);
  await using viewers = new AsyncDisposableStack();

  const racers = await Promise.all(
    Array.from({ length: 100 }, async (_, index) =>
      viewers.use(await TestViewer.porthole([entrance, addressee][index % 2]?.origin ?? "", ticket)),
    ),
  );
  const isOver = ({ closed, texts }: TestViewer) =>
    closed !== undefined || texts.some(({ type }) => type === "progress" || type === "attached");
  await eventually(() => assert.ok(racers.every(isOver)));

  assert.equal(racers.filter(({ closed }) => closed === undefined).length, 1);
  assert.equal(racers.filter(({ closed }) => closed?.code === 4411).length, 99);
  assert.equal(machine.callers.length, 1);
});

test("a flood arrives whole, and waits for a viewer that does not read", async () => {
  const total = 100 * MEBIBYTE;
  const block = randomBytes(MEBIBYTE);
  let source: Caller["socket"] | undefined;
  await using machine = await startRfbUpstream(({ socket }) => {
    source = socket;
    for (let sent = 0; sent < total; sent += block.length) socket.write(block);
  });
  const { ticket } = await fleet.issue(machine.upstream);
  await using viewer = await TestViewer.bare(entrance.origin, ticket);
  await viewer.handshake();
  viewer.webSocket.pause();

  let taken = -1;
  await eventually(() => {
    const last = taken;
    taken = (source?.bytesWritten ?? 0) - (source?.writableLength ?? 0);
    assert.equal(taken, last, "it is still being taken");
  });
  assert.ok(taken < 60 * MEBIBYTE, `${taken} bytes were taken for a viewer that reads nothing`);

  const hash = createHash("sha256").update(viewer.bytes);
  let received = viewer.bytes.length;
  viewer.keepsBytes = false;
  viewer.webSocket.on("message", (data: Buffer) => {
    hash.update(data);
    received += data.length;
  });
  viewer.webSocket.resume();
  await eventually(() => assert.equal(received, total));
  const expected = createHash("sha256");
  for (let sent = 0; sent < total; sent += block.length) expected.update(block);
  assert.equal(hash.digest("hex"), expected.digest("hex"));
});

test("what a viewer says arrives whole, however much it is", async () => {
  await using machine = await startRfbUpstream();
  const { ticket } = await fleet.issue(machine.upstream);
  await using viewer = await TestViewer.bare(entrance.origin, ticket);
  await viewer.handshake();
  const events = Buffer.concat(
    Array.from({ length: 200_000 }, (_, index) => Uint8Array.of(5, 0, index & 0xff, index >> 8, 0, 1)),
  );

  for (let at = 0; at < events.length; at += 100_003) viewer.send(events.subarray(at, at + 100_003));

  const caller = await machine.caller();
  await eventually(() =>
    assert.equal(
      caller.said.reduce((sum, { length }) => sum + length, 0),
      events.length,
    ),
  );
  assert.ok(Buffer.concat(caller.said).equals(events));
});

test("a picture of a screen can be fetched at any entrance", async () => {
  await using machine = await startRfbUpstream(({ socket }) => {
    const pixels = new Uint8Array(640 * 480 * 4).fill(0x60);
    socket.write(encodeFramebufferUpdate([{ x: 0, y: 0, width: 640, height: 480, encoding: "raw", pixels }]));
  });
  const { ticket, sessionId } = await fleet.issue(machine.upstream, { purpose: "thumbnail" });
  const url = `${entrance.origin}/ajaximg?token=${ticket}&w=200&h=120`;

  const answer = await fetch(url);

  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "image/png");
  assert.equal(answer.headers.get("porthole-viewer-address"), null);
  const { width, height } = decode(new Uint8Array(await answer.arrayBuffer()));
  assert.deepEqual([width, height], [160, 120]);
  const again = await fetch(url);
  assert.equal(again.status, 410);
  assert.match(await again.text(), /"code":"ticket_used"/);
  assert.equal((await session(sessionId)).viewerAddress, "127.0.0.1");
});

test("whoever leaves before its picture is there is no mistake of ours, and nobody waits for it any more", async () => {
  await using machine = await startRfbUpstream();
  const { ticket } = await fleet.issue(machine.upstream, { purpose: "thumbnail" });
  const viewer = new AbortController();
  const url = `${entrance.origin}/ajaximg?token=${ticket}`;
  const left = assert.rejects(fetch(url, { signal: viewer.signal }), { name: "AbortError" });
  await machine.caller();

  viewer.abort();
  await left;

  await eventually(() => assert.match(entrance.log(), /"code":"viewer_lost"/));
  for (const words of ["Request failed", "Another node did not answer"])
    assert.ok(!entrance.log().includes(words), words);
});

test("a flood of tickets that name nobody keeps nobody's picture away", async () => {
  await using machine = await startRfbUpstream(({ socket }) => {
    const pixels = new Uint8Array(640 * 480 * 4).fill(0x60);
    socket.write(encodeFramebufferUpdate([{ x: 0, y: 0, width: 640, height: 480, encoding: "raw", pixels }]));
  });
  const header = Buffer.from(JSON.stringify({ alg: "dir", enc: "A256GCM", kid: "k", node: "nobody" }));
  const alien = `${entrance.origin}/ajaximg?token=${header.toString("base64url")}....`;
  let isOver = false;
  const flood = async () => {
    while (!isOver) assert.notEqual((await fetch(alien)).status, 200);
  };
  const flooding = Array.from({ length: 60 }, flood);

  const statuses: number[] = [];
  for (let count = 0; count < 10; count++) {
    const { ticket } = await fleet.issue(machine.upstream, { purpose: "thumbnail" });
    statuses.push((await fetch(`${entrance.origin}/ajaximg?token=${ticket}`)).status);
  }
  isOver = true;
  await Promise.all(flooding);

  assert.deepEqual([...new Set(statuses)], [200]);
});

test("a node that has just come is found at once, at every entrance and by every addressee", async () => {
  await using machine = await startRfbUpstream();
  await using late = await startFleet();
  await late.control.services.settings.set(late.control.admin, "consoleproxy.loadscan.interval", "60000");
  const first = await late.start();
  const second = await late.start();

  const { ticket } = await late.issue(machine.upstream);
  await using viewer = await TestViewer.porthole(second.origin, ticket);
  await viewer.handshake();
  assert.equal(first.log().includes("Something was handed on by who may not"), false);
  const third = await late.start();
  const next = await late.issue(machine.upstream);
  await using other = await TestViewer.porthole(third.origin, next.ticket);

  await other.handshake();
});

test("a node that listens on every address is found where control sees it", async () => {
  await using machine = await startRfbUpstream();
  await using own = await startFleet();
  const everywhere = { listen: "0.0.0.0:0", "public-address": "127.0.0.1" };
  const first = await own.start({ flags: everywhere });
  const second = await own.start({ flags: everywhere });
  const { ticket, sessionId } = await own.issue(machine.upstream);

  await using viewer = await TestViewer.porthole(second.origin, ticket);
  await viewer.handshake();

  const { nodeId } = await own.control.services.sessions.get(own.control.admin, sessionId);
  assert.equal(nodeId, first.id);
});
