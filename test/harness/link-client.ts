import assert from "node:assert/strict";
import { once } from "node:events";
import { type AgentOptions, request } from "node:https";
import { json } from "node:stream/consumers";
import { WebSocket } from "ws";
import { LINK_PATHS, LINK_PROTOCOL } from "#wire/link.ts";
import { eventually } from "./eventually.ts";

// biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of an answer by asserting it.
type Json = any;

export interface LinkCommand {
  readonly id: number;
  readonly call: string;
  readonly body: Json;
}

export interface LinkAnswer {
  readonly id: number;
  readonly body?: Json;
  readonly error?: Json;
}

interface Credentials {
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
}

/** One POST to the link. */
export async function postToLink(
  { origin, ca }: { readonly origin: string; readonly ca: string },
  path: string,
  body: unknown,
): Promise<{ readonly status: number; readonly body: Json }> {
  const options: AgentOptions = { ca };
  const outgoing = request(`${origin}${path}`, {
    ...options,
    agent: false,
    method: "POST",
    headers: { "content-type": "application/json" },
  });
  outgoing.end(typeof body === "string" ? body : JSON.stringify(body));
  const [response] = await once(outgoing, "response");
  return { status: response.statusCode, body: await json(response) };
}

/** What the link answers an upgrade with instead of a channel. */
export async function refusedChannel(
  origin: string,
  credentials: Credentials,
  path: string = LINK_PATHS.channel,
  protocol: string = LINK_PROTOCOL,
): Promise<{ readonly status: number; readonly body: Json }> {
  const socket = new WebSocket(`${origin.replace("https", "wss")}${path}`, protocol, { ...credentials });
  socket.on("error", () => {});
  const [sent, response] = await once(socket, "unexpected-response");
  const body = await json(response);
  sent.destroy();
  return { status: response.statusCode, body };
}

/** A channel of the node link as a node has one, which can say whatever a test wants said. */
export class LinkClient implements AsyncDisposable {
  readonly socket: WebSocket;
  readonly #answers = new Map<number, PromiseWithResolvers<LinkAnswer>>();
  readonly #closed: Promise<[code: number, reason: Buffer]>;
  readonly #commands: LinkCommand[] = [];
  #nextId = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.#closed = once(socket, "close") as Promise<[number, Buffer]>;
    socket.on("message", (data) => {
      for (const envelope of JSON.parse(String(data)) as (LinkAnswer | LinkCommand)[]) {
        if ("call" in envelope) this.#commands.push(envelope);
        else this.#answers.get(envelope.id)?.resolve(envelope);
      }
    });
  }

  static async open(origin: string, credentials: Credentials): Promise<LinkClient> {
    const url = `${origin.replace("https", "wss")}${LINK_PATHS.channel}`;
    const client = new LinkClient(new WebSocket(url, LINK_PROTOCOL, { ...credentials }));
    await once(client.socket, "open");
    return client;
  }

  /** Resolves to control's answer, whatever it is. */
  async ask(call: string, body: unknown): Promise<LinkAnswer> {
    const [answer] = await this.askTogether([[call, body]]);
    return answer as LinkAnswer;
  }

  /** Several questions in one frame. */
  async askTogether(questions: readonly (readonly [call: string, body: unknown])[]): Promise<LinkAnswer[]> {
    const envelopes = questions.map(([call, body]) => ({ id: this.#nextId++, call, body }));
    const answers = envelopes.map(({ id }) => {
      const answer = Promise.withResolvers<LinkAnswer>();
      this.#answers.set(id, answer);
      return answer.promise;
    });
    this.socket.send(JSON.stringify(envelopes));
    const closed = this.closed().then(({ code }) => Promise.reject(new Error(`closed with ${code}`)));
    return await Promise.race([Promise.all(answers), closed]);
  }

  /** How many commands control has given. */
  get commanded(): number {
    return this.#commands.length;
  }

  /** Resolves to the commands that control has given, once there are so many. */
  async commands(count: number): Promise<readonly LinkCommand[]> {
    await eventually(() => assert.ok(this.#commands.length >= count));
    return this.#commands;
  }

  /** Resolves when control has closed the channel. */
  async closed(): Promise<{ readonly code: number; readonly reason: string }> {
    const [code, reason] = await this.#closed;
    return { code, reason: reason.toString("utf8") };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.socket.terminate();
    await this.#closed;
  }
}
