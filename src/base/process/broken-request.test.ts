import assert from "node:assert/strict";
import { on, once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { promisify } from "node:util";
import { eventually } from "../../../test/harness/eventually.ts";
import { followExchanges, isAnswering, refuseBrokenRequest } from "./broken-request.ts";

const ANSWER = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nbroken";
const GARBAGE = "\u0016\u0003\u0001 what is this\r\n\r\n";
const GET = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";

interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** A connection to a server whose answers the test gives, when it knows that the server has refused something. */
interface Peer extends AsyncDisposable {
  readonly socket: Socket;
  /** All that comes until the connection is closed. */
  readonly received: Promise<string>;
  /** The next request that the server was asked, also if that was before. */
  asked(): Promise<Asked>;
  /** The same for what was no request. */
  broken(): Promise<void>;
  /** How many connections the server has. */
  connections(): Promise<number>;
}

async function startPeer({ allowHalfOpen = false } = {}): Promise<Peer> {
  const server = createServer();
  const [requests, breaches] = [on(server, "request"), on(server, "clientError")];
  followExchanges(server);
  server.on("clientError", (error, socket) => refuseBrokenRequest(error, socket as Socket, ANSWER));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen });
  const received = text(socket);
  return {
    socket,
    received,
    async asked() {
      const { value = [] } = await requests.next();
      return { request: value[0], response: value[1] };
    },
    async broken() {
      await breaches.next();
    },
    connections: async () => await promisify(server.getConnections.bind(server))(),
    async [Symbol.asyncDispose]() {
      socket.destroy();
      server.closeAllConnections();
      server.close();
    },
  };
}

test("garbage alone is answered, once, however much of it comes", async () => {
  await using peer = await startPeer();

  peer.socket.write(GARBAGE);
  await peer.broken();
  peer.socket.end(GARBAGE);

  assert.equal(await peer.received, ANSWER);
});

test("garbage behind a request that is being answered brings no second answer, and the first comes whole", async () => {
  await using peer = await startPeer();
  peer.socket.write(GET + GARBAGE);
  const { response } = await peer.asked();
  await peer.broken();

  response.writeHead(200, { "content-length": "6" });
  response.write("one");
  peer.socket.write(GARBAGE);
  response.end("two");

  const received = await peer.received;
  assert.match(received, /^HTTP\/1\.1 200 OK\r\n/);
  assert.match(received, /\r\n\r\nonetwo$/);
  assert.equal(received.match(/HTTP\/1\.1/g)?.length, 1);
});

test("garbage behind two requests waits for both answers", async () => {
  await using peer = await startPeer();
  peer.socket.write(GET + GET + GARBAGE);
  const [one, two] = [await peer.asked(), await peer.asked()];
  await peer.broken();

  two.response.end("second");
  one.response.end("first");

  assert.match(await peer.received, /\r\n\r\nfirst.*\r\n\r\nsecond$/s);
});

test("a body that breaks off in garbage is answered at once, because its handler waits for more", async () => {
  await using peer = await startPeer();

  peer.socket.write(`${POST}not a length\r\n`);
  await peer.broken();
  peer.socket.end();

  assert.equal(await peer.received, ANSWER);
});

test("a broken body behind a request that is being answered ends the connection after that answer", async () => {
  await using peer = await startPeer();
  peer.socket.write(`${GET}${POST}not a length\r\n`);
  const { response } = await peer.asked();
  await peer.broken();

  response.end("first");

  assert.match(await peer.received, /\r\n\r\nfirst$/);
});

test("a peer that is refused and does not close its side is not waited for", async () => {
  await using peer = await startPeer({ allowHalfOpen: true });

  peer.socket.write(GARBAGE);
  await peer.broken();

  await once(peer.socket, "end");
  await eventually(async () => assert.equal(await peer.connections(), 0));
});

const UPGRADE = "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

for (const [what, before, expected] of [
  ["alone", "", false],
  ["behind a request that is not answered yet", GET, true],
  ["behind an expectation that Node itself refuses", `${GET.trimEnd()}\r\nExpect: it\r\n\r\n`, true],
  ["behind a request without a Host, which Node itself refuses", "GET / HTTP/1.1\r\n\r\n", true],
] as const) {
  test(`an upgrade ${what} is ${expected ? "nobody's" : "ours"} to answer`, async () => {
    await using server = createServer(() => {});
    const isBusy = Promise.withResolvers<boolean>();
    server.on("upgrade", (request, socket) => {
      isBusy.resolve(isAnswering(request));
      socket.destroy();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const socket = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
    const closed = once(socket.on("error", () => {}).resume(), "close");

    socket.write(before + UPGRADE);

    assert.equal(await isBusy.promise, expected);
    await closed;
  });
}
