import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { HostPort } from "#base/config.ts";
import { neighbourhood } from "#base/neighbourhood.ts";
import { answer } from "./answer.ts";
import type { Answering } from "./udp.ts";

const limits = {
  /** Connections at once; beyond them the one is closed that has asked nothing for longest. */
  connections: 256,
  /** Of one neighbourhood: nobody alone keeps the others out. */
  connectionsOfOne: 32,
  /** Of a question. Ours are of a few hundred; what is longer is none, and ends the connection. */
  messageBytes: 4096,
  /** Answers that the asker has not taken; until it has, it is read no more. */
  unsentBytes: 64 * 1024,
} as const;

const deadlines = {
  /** Without a whole question, from the beginning or since the last one (RFC 7766 §6.2.3). */
  idleMs: 10_000,
} as const;

export type TcpDeadlines = { readonly [Name in keyof typeof deadlines]: number };

const LENGTH_BYTES = 2;

/** Answers connections at an address; each may bring many questions (RFC 7766). Rejects with the error of the system. */
export async function serveTcp(
  at: HostPort,
  answering: Answering,
  { idleMs }: TcpDeadlines = deadlines,
): Promise<{ readonly port: number } & AsyncDisposable> {
  /** With whom each is counted; who asked last is the last. */
  const sockets = new Map<Socket, string>();
  const server = createServer({ noDelay: true });
  server.on("connection", (socket) => {
    socket.on("error", () => socket.destroy());
    const from = neighbourhood(socket.remoteAddress ?? "");
    const same = [...sockets.values()].filter((other) => other === from).length;
    if (from === "" || same >= limits.connectionsOfOne) return void socket.destroy();
    const [quietest] = sockets.keys();
    if (sockets.size >= limits.connections) quietest?.destroy();
    sockets.set(socket, from);
    const idle = setTimeout(() => socket.destroy(), idleMs);
    socket.on("close", () => {
      clearTimeout(idle);
      sockets.delete(socket);
    });
    new Conversation(socket, answering, () => {
      idle.refresh();
      sockets.delete(socket);
      sockets.set(socket, from);
    });
  });
  await listen(server, at);
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : at.port,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets.keys()) socket.destroy();
      await closed;
    },
  };
}

async function listen(server: Server, { host, port }: HostPort): Promise<void> {
  server.listen({ host, port, ipv6Only: host.includes(":") });
  await once(server, "listening");
  server.on("error", () => {});
}

/** One connection: questions, each behind its length, answered in their order. */
class Conversation {
  readonly #socket: Socket;
  readonly #answering: Answering;
  readonly #onQuestion: () => void;
  #unread: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, answering: Answering, onQuestion: () => void) {
    this.#socket = socket;
    this.#answering = answering;
    this.#onQuestion = onQuestion;
    socket.on("data", (chunk: Buffer) => this.#take(chunk));
    socket.on("drain", () => {
      this.#answerAll();
      socket.resume();
    });
  }

  #take(chunk: Buffer): void {
    this.#unread = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    this.#answerAll();
  }

  #answerAll(): void {
    while (this.#unread.length >= LENGTH_BYTES && !this.#socket.destroyed) {
      if (this.#socket.writableLength > limits.unsentBytes) return void this.#socket.pause();
      const length = this.#unread.readUInt16BE(0);
      if (length > limits.messageBytes) {
        this.#giveUp();
        return;
      }
      if (this.#unread.length < LENGTH_BYTES + length) return;
      const message = this.#unread.subarray(LENGTH_BYTES, LENGTH_BYTES + length);
      this.#unread = this.#unread.subarray(LENGTH_BYTES + length);
      this.#answer(message);
    }
  }

  #answer(message: Buffer): void {
    const reply = answer(message, this.#answering.zones(), "tcp");
    if (reply === undefined) {
      this.#giveUp();
      return;
    }
    this.#answering.onOutcome("tcp", reply.rcode);
    this.#onQuestion();
    const framed = Buffer.allocUnsafe(LENGTH_BYTES + reply.bytes.length);
    framed.writeUInt16BE(reply.bytes.length, 0);
    reply.bytes.copy(framed, LENGTH_BYTES);
    this.#socket.write(framed);
  }

  /** What comes behind what is no question has no beginning that could be found. */
  #giveUp(): void {
    this.#answering.onOutcome("tcp", "ignored");
    this.#socket.destroy();
  }
}
