/**
 * The other half, in the node's place: redeems a token over kept HTTP connections, dials, does the RFB
 * handshake on both sides (RFC 6143 §7.1, version 3.8, security None) and copies bytes.
 */
import { Agent, createServer, type IncomingMessage, request as open } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

const [apiPort = ""] = process.argv.slice(2);
const HOST = "127.0.0.1";
const HIGH_WATER_BYTES = 1024 * 1024;

const VERSION = Buffer.from("RFB 003.008\n", "latin1");
const NONE = Buffer.of(1);
const SHARED = Buffer.of(1);

interface Step {
  readonly bytes: number;
  readonly answer: Buffer;
}
const TO_UPSTREAM: readonly Step[] = [
  { bytes: 12, answer: VERSION }, // ProtocolVersion
  { bytes: 2, answer: NONE }, // Security
  { bytes: 4, answer: SHARED }, // SecurityResult
];
const TO_VIEWER: readonly Step[] = [
  { bytes: 12, answer: Buffer.of(1, 1) }, // ProtocolVersion
  { bytes: 1, answer: Buffer.alloc(4) }, // Security
  { bytes: 1, answer: Buffer.alloc(0) }, // ClientInit
];

const agent = new Agent({ keepAlive: true });
const viewers = new WebSocketServer({ noServer: true, perMessageDeflate: false });
const server = createServer();
server.on("upgrade", async (request: IncomingMessage, socket: Socket, head: Buffer) => {
  const token = new URL(request.url ?? "/", "http://relay").searchParams.get("token");
  const grant = await ask("/redeem", { token });
  if (grant === undefined) {
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    return;
  }
  viewers.handleUpgrade(request, socket, head, (viewer) =>
    relay(viewer, connect({ ...grant, noDelay: true })),
  );
});
server.listen({ host: HOST, port: 0, backlog: 4096 }, async () => {
  const { port } = server.address() as AddressInfo;
  await ask("/relay", { port });
  console.log(JSON.stringify({ host: HOST, port }));
});
process.on("disconnect", () => process.exit(0));

function ask(
  path: string,
  question: object,
): Promise<{ readonly host: string; readonly port: number } | undefined> {
  const payload = Buffer.from(JSON.stringify(question));
  const headers = { "content-type": "application/json", "content-length": payload.length };
  return new Promise((resolve, reject) => {
    const asking = open({ method: "POST", host: HOST, port: apiPort, path, agent, headers }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => {
        body += text;
      });
      response.on("end", () => resolve(response.statusCode === 200 ? JSON.parse(body) : undefined));
    });
    asking.on("error", reject).end(payload);
  });
}

function relay(viewer: WebSocket, upstream: Socket): void {
  const toViewer = (bytes: Buffer) => {
    viewer.send(bytes, () => upstream.resume());
    if (viewer.bufferedAmount > HIGH_WATER_BYTES) upstream.pause();
  };
  const upstreamHandshake = new Handshake(TO_UPSTREAM, (answer) => upstream.write(answer));
  const viewerHandshake = new Handshake(TO_VIEWER, (answer) => viewer.send(answer));
  viewer.send(VERSION);
  const joined = () => upstreamHandshake.done && viewerHandshake.done;
  const join = () => {
    if (!joined()) return;
    // What either said behind its handshake was kept until the other could take it.
    for (const bytes of upstreamHandshake.rest()) toViewer(bytes);
    for (const bytes of viewerHandshake.rest()) upstream.write(bytes);
  };
  upstream.on("data", (chunk) => {
    if (joined()) return toViewer(chunk);
    upstreamHandshake.push(chunk);
    join();
  });
  viewer.on("message", (data) => {
    if (!Buffer.isBuffer(data)) return;
    if (joined()) return void upstream.write(data);
    viewerHandshake.push(data);
    join();
  });
  viewer.on("close", () => upstream.destroy());
  viewer.on("error", () => upstream.destroy());
  upstream.on("close", () => viewer.close());
  upstream.on("error", () => viewer.terminate());
}

/** Answers each step when its bytes are complete, and keeps what comes behind the last. */
class Handshake {
  readonly #left: Step[];
  readonly #say: (answer: Buffer) => void;
  #received: Buffer = Buffer.alloc(0);

  constructor(steps: readonly Step[], say: (answer: Buffer) => void) {
    this.#left = [...steps];
    this.#say = say;
  }

  get done(): boolean {
    return this.#left.length === 0;
  }

  rest(): readonly Buffer[] {
    return this.#received.length > 0 ? [this.#received] : [];
  }

  push(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    for (
      let step = this.#left[0];
      step !== undefined && this.#received.length >= step.bytes;
      step = this.#left[0]
    ) {
      this.#received = this.#received.subarray(step.bytes);
      if (step.answer.length > 0) this.#say(step.answer);
      this.#left.shift();
    }
  }
}
