import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { test } from "node:test";
import { pino } from "pino";
import { WebSocketServer } from "ws";
import { eventually } from "../../../test/harness/eventually.ts";
import { type Caller, startUpstream } from "../../../test/harness/test-upstream.ts";
import { TestViewer } from "../../../test/harness/test-viewer.ts";
import { UpstreamLeg } from "../console/upstream-leg.ts";
import { ViewerLeg } from "../console/viewer-leg.ts";
import { DEADLINES } from "../deadlines.ts";
import { Channels } from "./channels.ts";

const CHANNEL = { display: 2, inputs: 3 } as const;

test("what all channels carry is summed, of those that are over too, and only what is typed or pointed at is somebody's doing", async () => {
  await using stage = await startStage();
  const display = await stage.open(CHANNEL.display, "ack");
  const inputs = await stage.open(CHANNEL.inputs);
  inputs.send(Buffer.from("key"));
  await eventually(() => assert.equal(stage.said(1), "key"));
  inputs.send(Buffer.from("pointer"));

  await eventually(() => assert.deepEqual([stage.said(0), stage.said(1)], ["ack", "keypointer"]));
  const carried = { bytesToViewer: 2 * GREETING.length, bytesFromViewer: 13, inputs: 2 };
  assert.deepEqual(stage.channels.carried, carried);
  for (const viewer of [inputs, display]) viewer.webSocket.close();
  await eventually(() => assert.equal(stage.emptied(), 1));
  assert.deepEqual([stage.channels.size, stage.channels.carried], [0, carried]);
});

test("a channel whose viewer answers no more is over, and the others go on", async () => {
  await using stage = await startStage({ unansweredPings: 1 });
  const deaf = await stage.open(CHANNEL.display, "", { autoPong: false });
  const other = await stage.open(CHANNEL.inputs);

  // Each look asks, and the first that asks in vain ends it.
  await eventually(async () => {
    stage.channels.lookAfter(performance.now());
    await answered(other);
    assert.ok(deaf.closed !== undefined);
  });

  assert.equal(deaf.closed?.reason, "viewer_lost");
  assert.equal(other.closed, undefined);
});

test("a channel whose server takes nothing any more is over", async () => {
  await using stage = await startStage({ serve: ({ socket }) => void socket.pause() });
  const viewer = await stage.open(CHANNEL.inputs);
  const chunk = Buffer.alloc(512 * 1024);
  // Until all sockets on the way are full.
  for (let sent = 0; sent < 64; sent += 1) viewer.send(chunk);
  let now = performance.now();

  await eventually(async () => {
    now += DEADLINES.standstillMs;
    stage.channels.lookAfter(now);
    assert.equal(viewer.closed?.reason, "upstream_timeout");
  });
});

test("a channel whose viewer does not let go is cut, and one that is being opened ends with its session", async () => {
  await using stage = await startStage({ greeting: "" });
  const held = await stage.connect();
  held.send(link(CHANNEL.display));
  const { socket } = await stage.caller();
  held.webSocket.pause();

  stage.channels.end(new Error("its session is over"));

  await eventually(() => assert.equal(stage.emptied(), 1));
  await eventually(() => assert.ok(socket.destroyed));
});

const GREETING = "REDQ and more";

function link(channelType: number): Buffer {
  const message = Buffer.alloc(16 + 18);
  message.write("REDQ");
  message.writeUInt32LE(18, 12);
  message.writeUInt32LE(7, 16); // connection_id
  message.writeUInt8(channelType, 20);
  return message;
}

/** Once it has been heard that it answered: what it says by the first has all it was asked behind it, and by the second it was heard. */
async function answered({ webSocket }: TestViewer): Promise<void> {
  for (let times = 0; times < 2; times += 1) {
    webSocket.ping();
    await once(webSocket, "pong");
  }
}

/** Channels of one session, whose viewers come by a WebSocket and whose server says `greeting`. */
async function startStage({
  serve = () => {},
  greeting = GREETING,
  // Whoever looks again and again asks sooner than can be answered.
  unansweredPings = Number.POSITIVE_INFINITY,
}: {
  readonly serve?: (caller: Caller) => void;
  readonly greeting?: string;
  readonly unansweredPings?: number;
} = {}) {
  await using opened = new AsyncDisposableStack();
  const server = opened.use(
    await startUpstream((caller) => {
      caller.socket.on("data", (chunk) => caller.said.push(chunk)).write(greeting);
      serve(caller);
    }),
  );
  const { address } = server.upstream;
  assert.ok(address.kind === "tcp");
  const { host, port } = address;
  let emptied = 0;
  const channels = new Channels(
    {
      ...{ sessionId: "s", log: pino({ level: "silent" }) },
      deadlines: { ...DEADLINES, unansweredPings, closingMs: 100 },
      connect: async () => await UpstreamLeg.open(async (onread) => connect({ host, port, onread }).pause()),
    },
    () => {
      emptied += 1;
    },
  );
  const door = new WebSocketServer({ host: "127.0.0.1", port: 0, autoPong: false });
  opened.defer(() => void door.close());
  door.on("connection", (webSocket, { socket }) => channels.join(new ViewerLeg(webSocket, socket, "binary")));
  await once(door, "listening");
  const url = `ws://127.0.0.1:${(door.address() as AddressInfo).port}/`;
  const owned = opened.move();
  const come = async (options: { readonly autoPong?: boolean } = {}) => {
    const viewer = await TestViewer.connect(url, { protocols: ["binary"], ...options });
    owned.defer(() => viewer.webSocket.terminate());
    return viewer;
  };
  const linkLength = link(0).length;
  return {
    ...{ channels, connect: come, caller: server.caller, emptied: () => emptied },
    /** What the server heard behind the link of the channel that came so many before. */
    said: (index: number) =>
      Buffer.concat(server.callers[index]?.said ?? [])
        .subarray(linkLength)
        .toString(),
    /** A channel that is open; `early` stands behind the link in one message. */
    open: async (type: number, early = "", options: { readonly autoPong?: boolean } = {}) => {
      const viewer = await come(options);
      viewer.send(Buffer.concat([link(type), Buffer.from(early)]));
      await eventually(() => assert.equal(viewer.received, GREETING.length));
      return viewer;
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
