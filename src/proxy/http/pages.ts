import type { IncomingMessage, ServerResponse } from "node:http";
import { type Static, Type } from "typebox";
import { Check } from "typebox/schema";
import type { Log } from "#base/process/log.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import type { ReopenResponse } from "#wire/link.ts";
import { SELF_CHECK_PATH, type SeenRequest } from "#wire/self-check.ts";
import { REOPEN_PATH, THUMBNAIL_PATH, VIEWER_PAGES } from "#wire/viewer.ts";
import { ignoreError } from "../ignore-error.ts";
import { nameAsked } from "../tls/require-tls.ts";
import { answer, answerError, answerJson } from "./answer.ts";
import { readJson, readText } from "./body.ts";
import { checkOrigin, type OwnOrigins } from "./origin.ts";
import { checkHeaderCount } from "./request-options.ts";
import { securityHeaders } from "./security-headers.ts";
import { viewerAddress } from "./viewer-address.ts";
import { answerFile, type ViewerFiles } from "./viewer-files.ts";

const limits = {
  /** A reopen credential in JSON. */
  bodyBytes: 4 * 1024,
  /** A token of the self-check. */
  tokenBytes: 128,
  /** Reopenings that may wait for control at once. */
  pendingReopens: 64,
} as const;

/** The page's path carries the project's public id, so that headers can follow the project. */
const PAGE_PATH = /^\/p\/[A-Za-z0-9_-]{1,64}\/([^?]*)/;

const THUMBNAIL = new RegExp(`^/${THUMBNAIL_PATH}(?:\\?|$)`);

/** Nova's clients are given an address of this form, whose base they take to be a proxy's: it has one page, which looks for its ticket. */
const TICKET_AT_ROOT = /^\/\?token=([\w.-]+)(?:&|$)/;

const ReopenBody = Type.Object({ credential: Type.String({ minLength: 1, maxLength: 256 }) });

export interface PagesOptions {
  /** All that the node is found at; the first is where browsers are sent. */
  readonly origins: () => readonly [OwnOrigins, ...OwnOrigins[]];
  readonly files: ViewerFiles;
  readonly log: Log;
  readonly frameAncestors: () => readonly string[];
  readonly allowedOrigins: () => ReadonlySet<string>;
  /** Answers, or throws a GatewayError. */
  readonly thumbnail: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  /** How a request reached the node. Throws a GatewayError where the token is none. */
  readonly seen: (request: IncomingMessage, token: string) => SeenRequest;
  readonly reopen: (request: {
    readonly credential: string;
    readonly viewerAddress: string;
  }) => Promise<Static<typeof ReopenResponse>>;
}

/** What the node answers to plain HTTP: the viewer's files, the reopening of a console, and nothing else. */
export class Pages {
  readonly #options: PagesOptions;
  #pendingReopens = 0;

  constructor(options: PagesOptions) {
    this.#options = options;
  }

  /** For every answer of the node, refused upgrades included. */
  get headers() {
    const { origins, frameAncestors } = this.#options;
    const [{ webSocketOrigin }] = origins();
    return securityHeaders({ webSocketOrigin, frameAncestors: frameAncestors() });
  }

  /** A page finds its WebSocket at the name that it was opened by, which may be one of before. */
  #headersOf(request: IncomingMessage) {
    const { origins, frameAncestors } = this.#options;
    const all = origins();
    const name = nameAsked(request);
    const { webSocketOrigin } = all.find(({ pageOrigin }) => new URL(pageOrigin).hostname === name) ?? all[0];
    return securityHeaders({ webSocketOrigin, frameAncestors: frameAncestors() });
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    response.on("error", ignoreError); // A browser that leaves in the middle of an answer is no news.
    this.#answer(request, response).catch((error: unknown) => this.#refuse(request, response, error));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    checkHeaderCount(request);
    const [, name] = PAGE_PATH.exec(request.url ?? "") ?? [];
    const [, ticket] = TICKET_AT_ROOT.exec(request.url ?? "") ?? [];
    if (ticket !== undefined) return this.#leadToPage(request, response, ticket);
    if (THUMBNAIL.test(request.url ?? "")) {
      if (request.method !== "GET") throw methodNotAllowed(response, "GET");
      return await this.#options.thumbnail(request, response);
    }
    if (name === REOPEN_PATH) return await this.#reopen(request, response);
    if (name === SELF_CHECK_PATH) return await this.#tellSeen(request, response);
    const file = name === undefined ? undefined : this.#options.files.get(name);
    if (file === undefined) throw new GatewayError("not_found");
    if (request.method !== "GET" && request.method !== "HEAD") throw methodNotAllowed(response, "GET, HEAD");
    answerFile(request, response, { file, headers: this.#headersOf(request) });
  }

  /** The ticket goes behind the "#", where nobody on the way sees it any more. Relative: a front proxy may have put a path before ours. */
  #leadToPage(request: IncomingMessage, response: ServerResponse, ticket: string): void {
    if (request.method !== "GET" && request.method !== "HEAD") throw methodNotAllowed(response, "GET, HEAD");
    const location = `p/-/${VIEWER_PAGES.webmks}#token=${ticket}`;
    const headers = { ...this.#headersOf(request), "cache-control": "no-store", location };
    answer(request, response, { status: 302, headers, body: Buffer.alloc(0) });
  }

  /** For the self-check of control's own page, too: it alone of all other origins may read the answer. */
  async #tellSeen(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== "POST") throw methodNotAllowed(response, "POST");
    const { origin } = request.headers;
    if (origin !== undefined && this.#options.allowedOrigins().has(origin)) {
      response.setHeader("access-control-allow-origin", origin);
      response.setHeader("vary", "origin");
    }
    const token = await readText(request, limits.tokenBytes);
    answerJson(request, response, { body: this.#options.seen(request, token), headers: this.headers });
  }

  async #reopen(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== "POST") throw methodNotAllowed(response, "POST");
    this.#checkSameSite(request);
    const body = await readJson(request, limits.bodyBytes);
    if (!Check(ReopenBody, body)) throw new GatewayError("request_invalid", { detail: "credential" });
    if (this.#pendingReopens >= limits.pendingReopens) throw new GatewayError("node_full");
    this.#pendingReopens += 1;
    try {
      const asked = { credential: body.credential, viewerAddress: viewerAddress(request) };
      const { url } = await this.#options.reopen(asked);
      answerJson(request, response, { body: { url }, headers: this.headers });
    } finally {
      this.#pendingReopens -= 1;
    }
  }

  #checkSameSite(request: IncomingMessage): void {
    if (request.headers["sec-fetch-site"] === "cross-site") throw new GatewayError("origin_refused");
    checkOrigin(request.headers.origin, this.#options.origins(), this.#options.allowedOrigins());
  }

  #refuse(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
    const error = toGatewayError(thrown);
    const { log } = this.#options;
    if (error.code === "internal") log.error({ error }, "Request failed");
    else log.debug({ code: error.code, detail: error.detail }, "Request refused");
    answerError(request, response, { error, headers: this.headers });
  }
}

function methodNotAllowed(response: ServerResponse, allow: string): GatewayError {
  response.setHeader("allow", allow);
  return new GatewayError("method_not_allowed");
}
