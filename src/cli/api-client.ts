import type { Static, TSchema } from "typebox";
import { Type } from "typebox";
import { Check } from "typebox/schema";
import { API_PREFIX, ErrorBody, Page, pageLimits } from "#wire/api.ts";
import { type ErrorCode, isErrorCode } from "#wire/errors.ts";
import { printable } from "#wire/gateway-error.ts";
import type { ClientConfig } from "./config.ts";
import { CliFailure, exitOf } from "./exit-status.ts";

const limits = {
  /** Control answers within its own deadlines, of which the longest, a hypervisor's test, is 30 s; this one is for a network that swallows. */
  requestMs: 40_000,
} as const;

type Method = "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
type Query = Readonly<Record<string, string | number | undefined>>;

interface Call<Schema extends TSchema> {
  readonly method: Method;
  /** Parts of the path behind the API's prefix; each is encoded by itself. */
  readonly path: readonly string[];
  readonly query?: Query;
  readonly body?: object;
  /** What the answer must be. */
  readonly answer: Schema;
}

/** The native API as the command line sees it: typed answers, or a CliFailure with words and an exit status. */
export class ApiClient {
  readonly #config: ClientConfig;
  readonly #stop: AbortSignal;

  constructor(config: ClientConfig, stop: AbortSignal) {
    this.#config = config;
    this.#stop = stop;
  }

  get url(): string {
    return this.#config.url;
  }

  async call<Schema extends TSchema>({
    method,
    path,
    query,
    body,
    answer,
  }: Call<Schema>): Promise<Static<Schema>> {
    const url = this.#url(path, query);
    const { status, content } = await this.#fetch(url, method, body);
    if (status < 200 || status > 299) throw refusal(status, content, this.#config.url);
    if (!Check(answer, content)) throw notPorthole(this.#config.url);
    return content;
  }

  /** Every item of a paged list, page by page, or as many as are asked for. */
  async list<Item extends TSchema>(
    path: readonly string[],
    item: Item,
    { query, atMost = Number.POSITIVE_INFINITY }: { readonly query?: Query; readonly atMost?: number } = {},
  ): Promise<Static<Item>[]> {
    const items: Static<Item>[] = [];
    let after: string | undefined;
    do {
      const limit = Math.min(atMost - items.length, pageLimits.maximumItems);
      const page: { readonly items: Static<Item>[]; readonly next?: string } = await this.call({
        method: "GET",
        path,
        query: { ...query, after, limit },
        answer: Page(item),
      });
      items.push(...page.items);
      after = page.next;
    } while (after !== undefined && items.length < atMost);
    return items;
  }

  /** What is answered as it is, such as a picture. */
  async bytes(path: readonly string[]): Promise<{ readonly mediaType: string; readonly bytes: Uint8Array }> {
    const signal = AbortSignal.any([this.#stop, AbortSignal.timeout(limits.requestMs)]);
    const response = await this.#request(this.#url(path), { method: "GET", signal });
    try {
      const mediaType = response.headers.get("content-type") ?? "";
      if (response.ok) return { mediaType, bytes: new Uint8Array(await response.arrayBuffer()) };
      throw refusal(response.status, parse(await response.text()), this.#config.url);
    } catch (cause) {
      throw cause instanceof CliFailure ? cause : this.#failure(cause);
    }
  }

  /** What is answered piece by piece, as text. A slow reader slows down control, and nothing piles up. */
  async *stream(path: readonly string[], query: Query): AsyncGenerator<string> {
    const response = await this.#request(this.#url(path, query), { method: "GET", signal: this.#stop });
    if (!response.ok) throw refusal(response.status, parse(await response.text()), this.#config.url);
    const decoder = new TextDecoder();
    try {
      for await (const piece of response.body ?? []) yield decoder.decode(piece, { stream: true });
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  #url(path: readonly string[], query: Query = {}): URL {
    const url = new URL(`${API_PREFIX}/${path.map(encodeURIComponent).join("/")}`, this.#config.url);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    return url;
  }

  async #fetch(
    url: URL,
    method: Method,
    body: object | undefined,
  ): Promise<{ readonly status: number; readonly content: unknown }> {
    const signal = AbortSignal.any([this.#stop, AbortSignal.timeout(limits.requestMs)]);
    const response = await this.#request(url, { method, body, signal });
    try {
      const text = await response.text();
      return { status: response.status, content: text === "" ? null : parse(text) };
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  async #request(
    url: URL,
    {
      method,
      body,
      signal,
    }: { readonly method: Method; readonly body?: object | undefined; readonly signal: AbortSignal },
  ): Promise<Response> {
    const { apiKey, secretKey } = this.#config;
    try {
      return await fetch(url, {
        method,
        headers: {
          authorization: `Basic ${Buffer.from(`${apiKey}:${secretKey.expose()}`).toString("base64")}`,
          accept: "application/json, application/x-ndjson, image/png",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        // The credentials are for the configured origin and for no other.
        redirect: "error",
        signal,
      });
    } catch (cause) {
      throw this.#failure(cause);
    }
  }

  #failure(cause: unknown): CliFailure {
    return this.#stop.aborted
      ? new CliFailure("failed", "interrupted")
      : unreachable(this.#config.url, cause);
  }
}

/** The answer of a call that has none. */
export const Nothing = Type.Null();

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal(status: number, content: unknown, url: string): CliFailure {
  if (!Check(ErrorBody, content) || !isErrorCode(content.error.code))
    return status >= 500
      ? new CliFailure("unavailable", `${url} answers with HTTP status ${status}`)
      : notPorthole(url);
  const { code, message, detail, problems, remedy, reference } = content.error;
  return new CliFailure(
    exitOf(code),
    problems === undefined ? sentence(message, detail) : all(message, problems),
    {
      code,
      remedy: OWN_REMEDIES[code] ?? printable(remedy),
      reference: reference === undefined ? undefined : printable(reference),
    },
  );
}

/** What somebody at a command line does, in place of whoever calls the API. */
const OWN_REMEDIES: Readonly<Partial<Record<ErrorCode, string>>> = {
  unauthenticated:
    "Check the API key and its secret key: in PORTHOLE_API_KEY and PORTHOLE_SECRET_KEY, or in the configuration file.",
  request_invalid: "Mend that and run it again; --help behind the command says what each option takes.",
};

function sentence(message: string, detail: string | undefined): string {
  return printable(detail === undefined ? message : `${message} (${detail})`);
}

/** One problem a line. */
function all(message: string, problems: readonly string[]): string {
  return [printable(message), ...problems.map((problem) => `- ${printable(problem)}`)].join("\n");
}

function notPorthole(url: string): CliFailure {
  return new CliFailure("failed", `what answers at ${url} does not speak this version of Porthole's API`, {
    remedy: "Check the URL, and that both ends are of the same version.",
  });
}

function unreachable(url: string, cause: unknown): CliFailure {
  return new CliFailure("unavailable", `${url} cannot be reached: ${reasonOf(cause)}`, {
    code: "control_unreachable",
    remedy: "See whether control runs there. “npm start” starts one on this machine.",
    cause,
  });
}

/** Fetch says "fetch failed", and what failed stands in the cause. */
function reasonOf(error: unknown): string {
  if (error instanceof DOMException && error.name === "TimeoutError")
    return `no answer within ${limits.requestMs / 1000} seconds`;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code } = cause as { readonly code?: unknown };
  if (code === "ECONNREFUSED") return "the connection was refused";
  if (code === "ENOTFOUND") return "its name is not known";
  return printable(cause instanceof Error ? cause.message : String(cause));
}
