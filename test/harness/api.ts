import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { request as httpRequest } from "node:http";
import { Writable } from "node:stream";
import type { FastifyInstance } from "fastify";
import { pino } from "pino";
import { systemClock } from "#base/clock.ts";
import { FailureLimit } from "#control/api/failure-limit.ts";
import { createApiServer } from "#control/api/server.ts";
import type { TrustedProxies } from "#wire/trusted-proxies.ts";
import { type TestControl, testControl } from "./control.ts";

export interface Keys {
  readonly apiKey: string;
  readonly secretKey: string;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body where it is JSON. */
  readonly json: unknown;
}

interface Call {
  readonly as?: Keys;
  /** Is sent as JSON. */
  readonly body?: unknown;
  /** Is sent as it is; say its type in `headers`. */
  readonly text?: string;
  /** `host` is taken as it is, too. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Real control behind its real API server, on a port of its own. */
export interface TestApi extends AsyncDisposable {
  readonly control: TestControl;
  readonly app: FastifyInstance;
  readonly origin: string;
  /** Of the first administrator. */
  readonly keys: Keys;
  /** Everything that was logged, at every level. */
  readonly log: () => string;
  /** A new account with role member, and keys of its own. */
  member(name: string, projects: readonly string[]): Promise<Keys>;
  call(method: string, path: string, options?: Call): Promise<Reply>;
  /** Signs in, and answers the cookie as a browser would send it. */
  signIn(): Promise<string>;
}

export async function testApi(
  options: {
    readonly webRoot?: string;
    readonly origins?: readonly string[];
    readonly trustedProxies?: TrustedProxies;
    readonly onRoute?: (route: Route) => void;
  } = {},
): Promise<TestApi> {
  await using opened = new AsyncDisposableStack();
  const control = opened.use(await testControl());
  const lines: string[] = [];
  const log = pino(
    { level: "trace", errorKey: "error" },
    new Writable({
      write: (chunk, _encoding, done) => {
        lines.push(String(chunk));
        done();
      },
    }),
  );
  const app = createApiServer({
    services: control.services,
    values: control.values,
    log,
    origins: options.origins ?? [],
    trustedProxies: options.trustedProxies ?? [],
    webRoot: options.webRoot,
    version: "1.2.3",
    failures: new FailureLimit(systemClock),
  });
  app.addHook("onRoute", ({ method, url }) => options.onRoute?.({ methods: [method].flat(), url }));
  opened.defer(async () => await app.close());
  const origin = await app.listen({ host: "127.0.0.1", port: 0 });
  const { admin, services } = control;
  const keys = await services.accounts.addApiKey(admin, admin.accountId);
  const owned = opened.move();

  const api: TestApi = {
    control,
    app,
    origin,
    keys,
    log: () => lines.join(""),

    async member(name, projects) {
      const account = await services.accounts.add(admin, { name, role: "member", projects: [...projects] });
      return await services.accounts.addApiKey(admin, account.id);
    },

    call: async (method, path, call = {}) => await send(origin, method, path, call),

    async signIn() {
      const { url } = await services.accounts.signInLink(admin);
      const [, code] = /#code=(.+)$/.exec(url) ?? [];
      const { status, headers } = await api.call("POST", "/api/v1/sign-in", { body: { code } });
      assert.equal(status, 204);
      return headers
        .getSetCookie()
        .map((cookie) => cookie.split(";")[0])
        .join("; ");
    },

    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
  return api;
}

export interface Route {
  readonly methods: readonly string[];
  readonly url: string;
}

/** Over node:http, because fetch lets nobody choose Host and leaves out what browsers put in. */
async function send(origin: string, method: string, path: string, call: Call): Promise<Reply> {
  const { as, body, text = body === undefined ? undefined : JSON.stringify(body) } = call;
  const headers = {
    ...(as === undefined ? {} : { authorization: basic(as) }),
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...(text === undefined ? {} : { "content-length": String(Buffer.byteLength(text)) }),
    ...call.headers,
  };
  return await new Promise((resolve, reject) => {
    const { hostname, port } = new URL(origin);
    const request = httpRequest({ hostname, port, method, path, headers, agent: false }, async (response) => {
      const chunks: Buffer[] = await response.toArray();
      const content = Buffer.concat(chunks).toString("utf8");
      resolve({
        status: response.statusCode ?? 0,
        headers: headersOf(response.rawHeaders),
        text: content,
        json: parse(content),
      });
    });
    request.on("error", reject);
    request.end(text);
  });
}

export function basic({ apiKey, secretKey }: Keys): string {
  return `Basic ${Buffer.from(`${apiKey}:${secretKey}`).toString("base64")}`;
}

/** The query of a CloudStack request, signed as its documentation says. */
export function cloudStackQuery(keys: Keys, parameters: Readonly<Record<string, string>>): string {
  const all = { ...parameters, apikey: keys.apiKey };
  const query = Object.entries(all)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
  const signature = createHmac("sha1", keys.secretKey).update(query.toLowerCase()).digest("base64");
  return `${query}&signature=${encodeURIComponent(signature)}`;
}

function headersOf(raw: readonly string[]): Headers {
  const headers = new Headers();
  for (let index = 0; index < raw.length; index += 2) headers.append(raw[index] ?? "", raw[index + 1] ?? "");
  return headers;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
