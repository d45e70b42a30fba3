import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { SequenceDriver } from "#base/sequence.ts";
import { upstreamHandshake } from "#protocols/rfb/upstream-handshake.ts";
import { eventually } from "../../harness/eventually.ts";
import type { Probe } from "./battery.ts";

interface Place {
  readonly host: string;
  readonly port: number;
}

/** RFC 6455 §5.2. */
const OPCODE = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** Says a probe over a connection of its own, byte for byte, and resolves to what came of it. */
export async function say({ host, port }: Place, probe: Probe, token: string): Promise<string> {
  const socket = connect({ host, port });
  const said = new Said(socket);
  try {
    socket.write(requestOf(probe, { host, port }, token));
    const head = await said.head();
    if (head === undefined) return "cut";
    const [, status = ""] = /^HTTP\/1\.[01] (\d{3})/.exec(head) ?? [];
    if (status !== "101") return status;
    const subprotocol = /^sec-websocket-protocol: *(.*)$/im.exec(head)?.[1]?.trim();
    const extensions = /^sec-websocket-extensions:/im.test(head) ? ", with extensions" : "";
    const outcome = await conversation(said, socket, probe);
    return `${outcome}${subprotocol === undefined ? "" : `, ${subprotocol}`}${extensions}`;
  } finally {
    socket.destroy();
  }
}

async function conversation(said: Said, socket: Socket, { within }: Probe): Promise<string> {
  const first = await said.frame(({ opcode }) => opcode !== OPCODE.ping);
  if (typeof first === "string") return `101, ${first}`;
  switch (within) {
    case undefined:
      return "open";
    case "text":
      socket.write(frame(OPCODE.text, Buffer.from("RFB 003.008\n")));
      return ended(await said.frame(({ opcode }) => opcode === OPCODE.close));
    case "unmasked":
      socket.write(Buffer.concat([Buffer.of(0x80 | OPCODE.binary, 12), Buffer.from("RFB 003.008\n")]));
      return ended(await said.frame(({ opcode }) => opcode === OPCODE.close));
    case "ping":
      socket.write(frame(OPCODE.ping, Buffer.from("hello")));
      return ended(await said.frame(({ opcode }) => opcode === OPCODE.pong));
    case "typed":
      socket.write(frame(OPCODE.binary, Buffer.from(TYPED)));
      return await echoed(said, first);
    case "typed as text":
      socket.write(frame(OPCODE.text, Buffer.from(TYPED)));
      return await echoed(said, first);
    case "until it ends":
      socket.write(frame(OPCODE.binary, Buffer.from(TYPED)));
      return ended(await said.frame(({ opcode }) => opcode === OPCODE.close));
    case "sign in":
      return await signIn(said, socket, first.payload);
    default:
      return within satisfies never;
  }
}

/** What is typed into a line that echoes. */
const TYPED = "uname";

async function echoed(said: Said, first: Frame): Promise<string> {
  let text = first.payload.toString("latin1");
  while (!text.includes(TYPED)) {
    const next = await said.frame(({ opcode }) => opcode === OPCODE.text || opcode === OPCODE.binary);
    if (typeof next === "string") return `open, ${next}`;
    text += next.payload.toString("latin1");
  }
  return "echoed";
}

function ended(answer: Frame | string): string {
  return typeof answer === "string" ? `open, ${answer}` : `open, ${answer.payload.toString("latin1")}`;
}

/** RFC 6143 §7.1, as a viewer that speaks 3.8 and asks for no security. */
async function signIn(said: Said, socket: Socket, first: Buffer): Promise<string> {
  const send = (bytes: Uint8Array) => socket.write(frame(OPCODE.binary, Buffer.from(bytes)));
  const driver = new SequenceDriver(upstreamHandshake({ send, encryptDes: () => new Uint8Array(16) }));
  try {
    driver.push(first);
    while (!driver.done) {
      const next = await said.frame(({ opcode }) => opcode === OPCODE.binary);
      if (typeof next === "string") return `open, ${next}`;
      driver.push(next.payload);
    }
    return "signed in";
  } catch {
    return "refused in RFB";
  }
}

function requestOf(
  { method = "GET", path = "/?token={token}", headers = {} }: Probe,
  at: Place,
  token: string,
): string {
  const fill = (text: string) => text.replaceAll("{token}", token).replaceAll("{port}", String(at.port));
  const all: Readonly<Record<string, string | null>> = {
    Host: `${at.host}:${at.port}`,
    Upgrade: "websocket",
    Connection: "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": randomBytes(16).toString("base64"),
    "Sec-WebSocket-Protocol": "binary",
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === null ? [] : [`${name}: ${fill(value)}\r\n`],
  );
  return `${method} ${fill(path)} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** A short one, as a client sends it. */
function frame(opcode: number, payload: Buffer): Buffer {
  const mask = randomBytes(4);
  const masked = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([Buffer.of(0x80 | opcode, 0x80 | payload.length), mask, masked]);
}

/** What a proxy has said, and whether it has hung up. */
class Said {
  #bytes = Buffer.alloc(0);
  #isOver = false;

  constructor(socket: Socket) {
    socket.on("data", (chunk: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#isOver = true;
    });
  }

  /** Of an HTTP answer; undefined where it has hung up before. */
  async head(): Promise<string | undefined> {
    return await eventually(() => {
      const end = this.#bytes.indexOf("\r\n\r\n");
      if (end < 0 && this.#isOver) return undefined;
      if (end < 0) throw new Error("nothing is answered");
      const head = this.#bytes.subarray(0, end).toString("latin1");
      this.#bytes = this.#bytes.subarray(end + 4);
      return head;
    });
  }

  /** The next one that fits, or how it ended: `cut`, or `closed with CODE`. Empty ones, which Nova's proxy sends, are passed over. */
  async frame(fits: (frame: Frame) => boolean): Promise<Frame | string> {
    return await eventually(() => {
      for (let next = this.#take(); next !== undefined; next = this.#take()) {
        if (next.opcode === OPCODE.close)
          return `closed with ${next.payload.length < 2 ? 1005 : next.payload.readUInt16BE()}`;
        if (next.payload.length > 0 && fits(next)) return next;
      }
      if (this.#isOver) return "cut";
      throw new Error("nothing is said");
    });
  }

  #take(): Frame | undefined {
    const [first = 0, second = 0] = this.#bytes;
    const short = second & 0x7f;
    const headBytes = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (this.#bytes.length < headBytes) return undefined;
    const length =
      short === 127
        ? Number(this.#bytes.readBigUInt64BE(2))
        : short === 126
          ? this.#bytes.readUInt16BE(2)
          : short;
    if (this.#bytes.length < headBytes + length) return undefined;
    const payload = this.#bytes.subarray(headBytes, headBytes + length);
    this.#bytes = this.#bytes.subarray(headBytes + length);
    return { opcode: first & 0x0f, payload };
  }
}
