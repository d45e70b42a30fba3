import { once } from "node:events";
import { Agent, request } from "node:https";
import { json } from "node:stream/consumers";

export interface LinkAnswer {
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects of an answer by asserting it.
  readonly body: any;
}

/** Calls the node link as a node does, or as somebody who would like to be one. */
export class LinkClient implements AsyncDisposable {
  readonly #origin: string;
  readonly #agent: Agent;

  constructor(
    origin: string,
    credentials: { readonly ca: string; readonly cert?: string; readonly key?: string },
  ) {
    this.#origin = origin;
    this.#agent = new Agent({ ...credentials, keepAlive: true });
  }

  async post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<LinkAnswer> {
    const outgoing = request(`${this.#origin}${path}`, {
      method: "POST",
      agent: this.#agent,
      headers: { "content-type": "application/json", ...headers },
    });
    outgoing.end(typeof body === "string" ? body : JSON.stringify(body));
    const [response] = await once(outgoing, "response");
    return { status: response.statusCode, body: await json(response) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
  }
}
