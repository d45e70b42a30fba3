import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { SequenceDriver } from "#base/sequence.ts";
import type { ServerInit } from "#protocols/rfb/server-init.ts";
import { upstreamHandshake } from "#protocols/rfb/upstream-handshake.ts";
import { encodeVersion, type RfbVersion, VERSION_BYTES } from "#protocols/rfb/version.ts";
import {
  BINARY_SUBPROTOCOL,
  type NodeMessage,
  parseNodeMessage,
  SUBPROTOCOL,
  TICKET_ENTRY_PREFIX,
} from "#wire/viewer.ts";
import { eventually } from "./eventually.ts";

/** A refused upgrade, as a client sees it that can see HTTP. */
export interface Refusal {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** A viewer in as many words as a test needs: a WebSocket client that keeps what it was told. */
export class TestViewer implements AsyncDisposable {
  readonly webSocket: WebSocket;
  readonly texts: NodeMessage[] = [];
  closed: Closed | undefined;
  #bytes = Buffer.alloc(0);
  #received = 0;
  /** Off for floods, of which only the length matters. */
  keepsBytes = true;

  private constructor(webSocket: WebSocket) {
    this.webSocket = webSocket;
    webSocket.on("message", (data: Buffer, isBinary) => {
      if (isBinary) this.#take(data);
      else this.texts.push(known(data.toString("utf8")));
    });
    webSocket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString("utf8") };
    });
    webSocket.on("error", () => {});
  }

  /** Resolves when the node has upgraded. Rejects with a Refusal's status line otherwise. */
  static async connect(
    url: string,
    {
      protocols = [],
      ...options
    }: {
      readonly protocols?: readonly string[];
      readonly headers?: Record<string, string>;
      readonly localAddress?: string;
      /** Off: it answers no pings. */
      readonly autoPong?: boolean;
      /** By wss: whom it trusts. */
      readonly ca?: string;
      /** The name that it is known to it by. */
      readonly servername?: string;
    } = {},
  ): Promise<TestViewer> {
    const viewer = new TestViewer(
      new WebSocket(url, [...protocols], { ...options, perMessageDeflate: false }),
    );
    await once(viewer.webSocket, "open");
    return viewer;
  }

  /** As noVNC does it: the ticket in the URL, and `binary`. */
  static async bare(origin: string, ticket: string): Promise<TestViewer> {
    const url = `${webSocketUrl(origin)}/websockify?token=${ticket}`;
    return await TestViewer.connect(url, { protocols: [BINARY_SUBPROTOCOL] });
  }

  /** As our viewer does it: the ticket in a sub-protocol entry. */
  static async porthole(origin: string, ticket: string): Promise<TestViewer> {
    const protocols = [SUBPROTOCOL, `${TICKET_ENTRY_PREFIX}${ticket}`];
    return await TestViewer.connect(`${webSocketUrl(origin)}/p/x/websockify`, { protocols });
  }

  /** What the node has sent in binary frames and the handshake has not read. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** How much that was, in all. */
  get received(): number {
    return this.#received;
  }

  send(bytes: Uint8Array): void {
    this.webSocket.send(bytes);
  }

  /** RFC 6143 §7.1 to §7.3 as a viewer. Throws what the node says in RFB when it refuses. */
  async handshake(version: RfbVersion = "3.8"): Promise<ServerInit> {
    const driver = new SequenceDriver(
      upstreamHandshake({ send: (bytes) => this.send(bytes), encryptDes: () => new Uint8Array(16) }),
    );
    await eventually(() =>
      assert.ok(this.#bytes.length >= VERSION_BYTES || this.closed, "no version was said"),
    );
    // A client speaks what its server speaks: it is made to speak an older version by being told of one.
    this.#bytes = Buffer.concat([encodeVersion(version), this.#bytes.subarray(VERSION_BYTES)]);
    for (;;) {
      const bytes = this.#bytes;
      this.#bytes = Buffer.alloc(0);
      driver.push(bytes);
      if (driver.done) break;
      await eventually(() =>
        assert.ok(this.#bytes.length > 0 || this.closed !== undefined, "nothing was said"),
      );
      if (this.#bytes.length === 0) throw new Error(`closed in the middle: ${JSON.stringify(this.closed)}`);
    }
    this.#bytes = Buffer.concat([driver.rest, this.#bytes]);
    return driver.result.serverInit;
  }

  async untilClosed(): Promise<Closed> {
    return await eventually(() => {
      if (this.closed === undefined) throw new Error("the WebSocket is open");
      return this.closed;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.webSocket.terminate();
    await this.untilClosed();
  }

  #take(data: Buffer): void {
    this.#received += data.length;
    if (this.keepsBytes) this.#bytes = Buffer.concat([this.#bytes, data]);
  }
}

/** Knocks and is refused; throws when it is let in. */
export async function refusal(
  url: string,
  {
    protocols = [],
    ...options
  }: {
    readonly protocols?: readonly string[];
    readonly headers?: Record<string, string>;
    /** By wss: whom it trusts. */
    readonly ca?: string;
  } = {},
): Promise<Refusal> {
  const webSocket = new WebSocket(url, [...protocols], options);
  webSocket.on("error", () => {});
  const opened = once(webSocket, "open").then(() => {
    webSocket.terminate();
    throw new Error("was let in");
  });
  const refused = once(webSocket, "unexpected-response") as Promise<[unknown, IncomingMessage]>;
  const [, response] = await Promise.race([refused, opened]);
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  opened.catch(() => {});
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: Buffer.concat(chunks).toString("utf8"),
  };
}

export function webSocketUrl(origin: string): string {
  return origin.replace(/^http/, "ws");
}

function known(text: string): NodeMessage {
  const message = parseNodeMessage(text);
  if (message === undefined) throw new Error(`the node said something unknown: ${text}`);
  return message;
}
