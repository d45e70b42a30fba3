import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { test } from "node:test";
import { type ServerOptions, type WebSocket, WebSocketServer } from "ws";
import { GatewayError } from "#wire/gateway-error.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { overWebSocket } from "./upstream-web-socket.ts";

const BINARY: ServerOptions = { handleProtocols: (offered) => offered.has("binary") && "binary" };

test("bytes go both ways in binary messages, and the end of one side is the end of the other", async () => {
  await using server = await startServer();

  const { stream, peer } = await server.open("/websockify?token=web-1");
  const said: Buffer[] = [];
  peer.on("message", (data: Buffer, isBinary) => void said.push(isBinary ? data : Buffer.from("text")));
  const heard: Buffer[] = [];
  stream.on("data", (chunk) => void heard.push(chunk)).resume();
  stream.write("from the node");
  peer.send(Buffer.from("from the "));
  peer.send(Buffer.from("machine"));

  await eventually(() => assert.equal(Buffer.concat(said).toString(), "from the node"));
  await eventually(() => assert.equal(Buffer.concat(heard).toString(), "from the machine"));
  assert.deepEqual(server.paths, ["/websockify?token=web-1"]);
  assert.equal(stream.bytesWritten, "from the node".length);
  stream.write("and last");
  stream.destroySoon();
  await eventually(() => assert.equal(peer.readyState, peer.CLOSED));
  assert.equal(Buffer.concat(said).toString(), "from the nodeand last");
  await eventually(() => assert.ok(stream.closed));
});

test("nothing is lost that is said right behind the upgrade, before anybody reads", async () => {
  await using server = await startServer((peer) => peer.send(Buffer.from("RFB 003.008\n")));

  const { stream } = await server.open();
  const [chunk] = await once(stream.resume(), "data");

  assert.equal(String(chunk), "RFB 003.008\n");
  stream.destroy();
});

test("a server that says more than is read is waited for, and not kept", async () => {
  await using server = await startServer();
  const { stream, peer } = await server.open();
  const chunk = Buffer.alloc(64 * 1024);
  const messages = 1_000;

  for (let sent = 0; sent < messages; sent++) peer.send(chunk);
  await eventually(() => assert.ok(stream.readableLength > 0));
  // What the kernel and the stream do not take stays with the server.
  assert.ok(stream.readableLength < 10 * chunk.length, `${stream.readableLength}`);
  assert.ok(peer.bufferedAmount > (messages * chunk.length) / 2, `${peer.bufferedAmount}`);

  let taken = 0;
  stream.on("data", (bytes: Buffer) => {
    taken += bytes.length;
  });
  stream.resume();
  await eventually(() => assert.equal(taken, messages * chunk.length));
  stream.destroy();
});

test("a message of text, or one too large, breaks the console", async () => {
  await using server = await startServer();
  for (const message of ["text", Buffer.alloc(4 * 1024 * 1024 + 1)]) {
    const { stream, peer } = await server.open();
    const broken = once(stream, "error");
    stream.resume();

    peer.send(message);

    assert.ok((await broken)[0] instanceof Error);
    await eventually(() => assert.ok(stream.closed));
  }
});

const HOSTILE: Readonly<Record<string, Buffer>> = {
  "says that 2^63 bytes follow": Buffer.from("827f8000000000000000", "hex"),
  "compresses, which was not agreed on": Buffer.from("c20100", "hex"),
  "masks what it says": Buffer.from("82810000000001", "hex"),
  "continues what has not begun": Buffer.from("800101", "hex"),
  "says a message in frames without end": Buffer.concat([
    Buffer.from("020101", "hex"),
    Buffer.alloc(3 * 2_000, Buffer.from("000101", "hex")),
  ]),
};

for (const [title, frames] of Object.entries(HOSTILE)) {
  test(`a server that ${title} breaks the console`, async () => {
    await using server = await startServer();
    const { stream, peer } = await server.open();
    const broken = once(stream, "error");
    stream.resume();

    socketOf(peer).write(frames);

    assert.ok((await broken)[0] instanceof Error);
    await eventually(() => assert.ok(stream.closed));
  });
}

test("a server that pings without end, and reads no answer, is let go", async () => {
  await using server = await startServer();
  const { stream, peer } = await server.open();
  stream.resume();
  const socket = socketOf(peer);
  socket.pause();
  const pings = Buffer.alloc(127 * 1_000, Buffer.concat([Buffer.from("897d", "hex"), Buffer.alloc(125)]));

  const ping = () => {
    if (!socket.destroyed) socket.write(pings, () => setImmediate(ping));
  };
  ping();

  await eventually(() => assert.ok(stream.readableEnded), { withinMs: 60_000 });
  stream.destroy();
});

function socketOf(peer: WebSocket): Socket {
  return (peer as unknown as { readonly _socket: Socket })._socket;
}

const REFUSALS: Readonly<Record<string, readonly [Server | ServerOptions, RegExp]>> = {
  "sends it elsewhere": [
    createServer().on("upgrade", (_, socket) => {
      socket.end("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n");
    }),
    /HTTP status 302/,
  ],
  "knows no such path": [
    createServer((_, response) => void response.writeHead(404).end()),
    /HTTP status 404/,
  ],
  "has no sub-protocol": [{ handleProtocols: () => false }, /subprotocol/],
  "has another sub-protocol": [{ handleProtocols: () => "base64" }, /subprotocol/],
  "hangs up": [createServer().on("upgrade", (_, socket) => void socket.destroy()), /hung up/],
  "answers with headers without end": [
    createServer().on("upgrade", (_, socket) => {
      socket.on("error", () => {});
      socket.write("HTTP/1.1 101 Switching Protocols\r\n");
      socket.write(`X-A: ${"a".repeat(1_000)}\r\n`.repeat(100));
    }),
    /Header overflow/i,
  ],
  "says something else": [
    createServer().on("upgrade", (_, socket) => void socket.end("RFB 003.008\n")),
    /Parse Error/,
  ],
};

for (const [title, [made, detail]] of Object.entries(REFUSALS)) {
  test(`a server that ${title} opens nothing, and it is told`, async () => {
    await using server = await startServer(() => {}, made);

    await assert.rejects(
      server.open(),
      (error) =>
        error instanceof GatewayError &&
        error.code === "upstream_websocket_refused" &&
        detail.test(error.detail ?? ""),
    );
  });
}

test("a platform that wants to know who asks, and has a sub-protocol of its own, is told", async () => {
  const asked: (string | undefined)[] = [];
  await using server = await startServer(() => {}, {
    verifyClient: ({ req }: { readonly req: IncomingMessage }) => {
      asked.push(req.headers.authorization);
      return req.headers.authorization === "Bearer geheim";
    },
    handleProtocols: (offered) => [...offered].join() === "plain.kubevirt.io" && "plain.kubevirt.io",
  });
  const subprotocol = "plain.kubevirt.io";

  const { stream } = await server.open("/", undefined, {
    subprotocol,
    headers: { authorization: "Bearer geheim" },
  });
  stream.destroy();

  await assert.rejects(server.open("/", undefined, { subprotocol }), { code: "upstream_websocket_refused" });
  assert.deepEqual(asked, ["Bearer geheim", undefined]);
});

test("a platform that refuses its own ticket is told by what it means", async () => {
  for (const [status, isTicket, code] of [
    [404, true, "upstream_ticket_refused"],
    [503, true, "upstream_consoles_exhausted"],
    [500, true, "upstream_websocket_refused"],
    [404, false, "upstream_websocket_refused"],
    [undefined, true, "upstream_ticket_refused"],
  ] as const) {
    await using server = await startServer(
      () => {},
      createServer().on("upgrade", (_, socket) =>
        status === undefined
          ? socket.destroy()
          : socket.end(`HTTP/1.1 ${status} No\r\nContent-Length: 0\r\n\r\n`),
      ),
    );

    await assert.rejects(server.open("/ticket/1", undefined, { isTicket }), { code });
  }
});

test("a platform's own words say what its refusal means, in the status line or below it, and are not quoted", async () => {
  const full = { words: "Active VNC", code: "upstream_consoles_exhausted" } as const;
  const moved = { words: "does not exist", code: "upstream_ticket_refused" } as const;
  const below = JSON.stringify({ message: "Active VNC connection of ada" });
  for (const [reason, body, code] of [
    ["web.conf does not exist", "", "upstream_ticket_refused"],
    ["Internal Server Error", below, "upstream_consoles_exhausted"],
    ["Internal Server Error", "x".repeat(64 * 1024) + below, "upstream_websocket_refused"],
    ["Internal Server Error", "out of memory", "upstream_websocket_refused"],
  ] as const) {
    await using server = await startServer(
      () => {},
      createServer().on("upgrade", (_, socket) => {
        socket.on("error", () => {});
        socket.end(`HTTP/1.1 500 ${reason}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      }),
    );

    const detail = "it answered with HTTP status 500";
    await assert.rejects(server.open("/", undefined, { refusals: [full, moved] }), { code, detail });
  }
});

test("a refusal that never ends is waited for no longer than whoever waits", async () => {
  const { promise: said, resolve } = Promise.withResolvers<unknown>();
  await using server = await startServer(
    () => {},
    createServer().on("upgrade", (_, socket) => {
      socket.on("error", () => {});
      socket.write("HTTP/1.1 500 No\r\nContent-Length: 9\r\n\r\nfull", resolve);
    }),
  );
  const refusals = [{ words: "full", code: "upstream_consoles_exhausted" } as const];
  const abort = new AbortController();

  const opening = server.open("/", abort.signal, { refusals });
  await said;
  abort.abort(new GatewayError("viewer_closed"));

  await assert.rejects(opening, { code: "viewer_closed" });
});

test("whoever gives it up leaves nothing open", async () => {
  await using server = await startServer(
    () => {},
    createServer().on("upgrade", () => {}),
  );
  const abort = new AbortController();

  const opening = server.open("/", abort.signal);
  abort.abort(new GatewayError("viewer_closed"));

  await assert.rejects(opening, { code: "viewer_closed" });
});

async function startServer(
  serve: (peer: WebSocket) => void = () => {},
  made: Server | ServerOptions = BINARY,
) {
  const server = "listen" in made ? (made as Server) : createServer();
  const paths: (string | undefined)[] = [];
  const peers: WebSocket[] = [];
  if (server !== made) {
    const webSockets = new WebSocketServer({ ...(made as ServerOptions), server });
    webSockets.on("connection", (peer, { url }) => {
      paths.push(url);
      peers.push(peer);
      peer.on("error", () => {});
      serve(peer);
    });
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    paths,
    open: async (
      path = "/",
      signal = AbortSignal.timeout(60_000),
      more: Pick<
        Parameters<typeof overWebSocket>[1]["address"],
        "headers" | "subprotocol" | "isTicket" | "refusals"
      > = {},
    ) => {
      const socket = connect(port, "127.0.0.1").pause();
      await once(socket, "connect");
      const address = { kind: "websocket" as const, host: "127.0.0.1", port, path, isSecure: false, ...more };
      const stream = await overWebSocket(socket, { address, signal });
      const peer = await eventually(() => {
        const found = peers.at(-1);
        assert.ok(found !== undefined);
        return found;
      });
      return { stream, peer };
    },
    [Symbol.asyncDispose]: async () => {
      for (const peer of peers) peer.terminate();
      server.closeAllConnections();
      server.close();
    },
  };
}
