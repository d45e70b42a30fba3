import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { SUBPROTOCOL } from "#wire/viewer.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { startTestNode, type TestNode } from "../../test/harness/test-node.ts";
import { startRfbUpstream } from "../../test/harness/test-upstream.ts";
import { TestViewer, webSocketUrl } from "../../test/harness/test-viewer.ts";

const HALF_A_REQUEST = "GET / HTTP/1.1\r\nHost: x\r\n";

test("thousands of idle connections from one address keep nobody out who comes from another", async () => {
  await using node = await startTestNode({ flags: { "max-sessions": "10", "max-idle-per-address": "50" } });
  await using machine = await startRfbUpstream();
  await using crowd = new Crowd(node);

  await crowd.come(1_500, "127.0.0.1");
  await crowd.come(1_500, "127.0.0.1", HALF_A_REQUEST);

  const { ticket } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.connect(`${webSocketUrl(node.origin)}/?token=${ticket}`, {
    localAddress: "127.0.0.2",
  });
  assert.equal((await viewer.handshake()).name, "web-1");
  await eventually(() => assert.ok(crowd.size <= 50, `${crowd.size} are still there`));
});

test("thousands of idle connections from many addresses keep nobody out either", async () => {
  await using node = await startTestNode({ flags: { "max-sessions": "10" } });
  await using machine = await startRfbUpstream();
  await using crowd = new Crowd(node);

  for (let host = 1; host <= 30; host++) await crowd.come(100, `127.0.1.${host}`, HALF_A_REQUEST);

  const { ticket } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(node.origin, ticket);
  assert.equal((await viewer.handshake()).name, "web-1");
  await eventually(() => assert.ok(crowd.size <= 2_000, `${crowd.size} are still there`));
});

test("who is crowded out is who has been idle for longest, and never who has a console", async () => {
  await using node = await startTestNode({ flags: { "max-idle-per-address": "2" } });
  await using machine = await startRfbUpstream();
  await using crowd = new Crowd(node);
  const { ticket } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(node.origin, ticket);
  await viewer.handshake();

  await crowd.come(1, "127.0.0.1");
  const [eldest] = crowd.members;
  await crowd.come(2, "127.0.0.1");

  await eventually(() => assert.equal(crowd.size, 2));
  assert.ok(eldest !== undefined && !crowd.members.has(eldest));
  assert.equal(viewer.closed, undefined);
});

test("a connection on which nothing is said is closed, and a slow request is waited for", async () => {
  await using node = await startTestNode({ deadlines: { firstByteMs: 50 } });
  await using crowd = new Crowd(node);
  await crowd.come(1, "127.0.0.1", HALF_A_REQUEST);
  const [slow] = crowd.members;
  await crowd.come(1, "127.0.0.1");

  await eventually(() => assert.equal(crowd.size, 1));

  assert.ok(slow !== undefined && crowd.members.has(slow));
  slow.write("\r\n");
  const [answer] = (await once(slow, "data")) as [Buffer];
  assert.match(answer.toString("latin1"), /^HTTP\/1\.1 404 /);
});

test("an answer that is not read ends at its deadline", async () => {
  await using node = await startTestNode({ deadlines: { firstByteMs: 50, answerMs: 100 } });
  await using crowd = new Crowd(node);
  const body = "Content-Type: application/json\r\nContent-Length: 9\r\n\r\n";

  await crowd.come(1, "127.0.0.1", `POST /p/x/reopen HTTP/1.1\r\nHost: x\r\n${body}`);

  await eventually(() => assert.equal(crowd.size, 0), { withinMs: 5_000 });
});

test("viewers that are told of their refusal and do not let go keep nobody out", async () => {
  await using node = await startTestNode({ deadlines: { closingMs: 30_000 } });
  await using machine = await startRfbUpstream();
  await using crowd = new Crowd(node);
  const key = Buffer.alloc(16).toString("base64");
  const upgrade = [
    "GET /?token=nonsense HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket",
    `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\nSec-WebSocket-Protocol: ${SUBPROTOCOL}\r\n\r\n`,
  ].join("\r\n");

  await crowd.come(1_500, "127.0.0.1", upgrade);

  await eventually(() => assert.ok(crowd.size <= 1_024, `${crowd.size} are held`));
  const { ticket } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(node.origin, ticket);
  assert.equal((await viewer.handshake()).name, "web-1");
});

/** Connections that say what they are told to, and nothing more. */
class Crowd implements AsyncDisposable {
  readonly members = new Set<Socket>();
  readonly #port: number;

  constructor({ origin }: TestNode) {
    this.#port = Number(new URL(origin).port);
  }

  get size(): number {
    return this.members.size;
  }

  /** No more at once than the kernel queues: beyond that it lets a caller believe that it is connected. */
  async come(count: number, localAddress: string, words?: string): Promise<void> {
    for (let left = count; left > 0; left -= 100) {
      const together = Array.from({ length: Math.min(left, 100) });
      await Promise.all(together.map(async () => await this.#come(localAddress, words)));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.members) socket.destroy();
    await eventually(() => assert.equal(this.size, 0));
  }

  async #come(localAddress: string, words: string | undefined): Promise<void> {
    const socket = connect({ host: "127.0.0.1", port: this.#port, localAddress });
    this.members.add(socket);
    socket.on("error", () => {}); // Being thrown out is what is tested.
    socket.on("close", () => this.members.delete(socket));
    socket.resume();
    await once(socket, "connect");
    if (words !== undefined) socket.write(words);
  }
}
