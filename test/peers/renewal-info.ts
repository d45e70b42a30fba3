import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, request } from "node:https";
import { buffer } from "node:stream/consumers";
import { createAuthority, issueServerCertificate } from "#tls/authority.ts";
import { LOOPBACK } from "../harness/free-port.ts";
import type { Pebble } from "./pebble.ts";

interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** What a test changes, and reads, while it runs. */
export interface Suggesting extends AsyncDisposable {
  readonly directory: string;
  readonly roots: string;
  /** Of GET renewalInfo/ID; absent: the directory has none. */
  suggestion: Reply | undefined;
  /** For which certificates it was asked. */
  readonly asked: string[];
  /** What orders said, the oldest first. */
  readonly orders: { readonly identifiers: readonly object[]; readonly replaces?: string }[];
  /** A name that it tells to have looked for in vain. */
  unseen: string | undefined;
  /** Comes before pebble: answers in its place, and may take its time. */
  instead: ((path: string) => Promise<Reply | undefined>) | undefined;
}

/**
 * Stands before pebble, and adds the one thing that Debian's has not got: renewal information, written after RFC 9773 §4. Everything
 * else is pebble's own answer. `instead` is for authorities that misbehave, which pebble does not.
 */
export async function startSuggesting(pebble: Pebble): Promise<Suggesting> {
  const authority = await createAuthority({ name: "before pebble", now: Date.now() });
  const { certificate, privateKey } = await issueServerCertificate(authority, {
    hosts: [LOOPBACK],
    now: Date.now(),
  });
  const server = createServer({ cert: certificate, key: privateKey }, (asked, answer) => {
    handle(asked, answer).catch(() => answer.destroy());
  });
  server.listen(0, LOOPBACK);
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("there is no port");
  const origin = `https://${LOOPBACK}:${address.port}`;
  const at: Suggesting = {
    directory: `${origin}/dir`,
    roots: authority.certificate + pebble.roots,
    suggestion: undefined,
    asked: [],
    orders: [],
    unseen: undefined,
    instead: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };

  async function handle(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await buffer(asked);
    const path = asked.url ?? "";
    const reply = (await at.instead?.(path)) ?? renewalInfo(path) ?? (await pass(asked, body));
    if (path === "/order-plz" && reply.status === 201) at.orders.push(payloadOf(body));
    answer.writeHead(reply.status, reply.headers);
    answer.end(asked.method === "HEAD" ? undefined : reply.body);
  }

  function renewalInfo(path: string): Reply | undefined {
    const [, id] = /^\/renewal-info\/(.+)$/.exec(path) ?? [];
    if (id === undefined) return undefined;
    at.asked.push(id);
    return at.suggestion;
  }

  /** As it came: pebble makes its addresses of the Host that it was asked by. */
  async function pass(asked: IncomingMessage, body: Buffer): Promise<Reply> {
    const { host, ...headers } = asked.headers;
    const options = {
      method: asked.method,
      headers: { ...headers, host },
      ca: pebble.roots,
      agent: false,
    } as const;
    const passed = request(new URL(asked.url ?? "", pebble.directory), options);
    passed.end(body);
    const [answer] = (await once(passed, "response")) as [IncomingMessage];
    const said = await buffer(answer);
    const { "content-length": _length, "transfer-encoding": _encoding, ...more } = answer.headers;
    const isDirectory = asked.url === "/dir" && at.suggestion !== undefined;
    const seen = asked.url?.startsWith("/authZ/") ? blinded(said, at.unseen) : said;
    return {
      status: answer.statusCode ?? 0,
      headers: more as Record<string, string>,
      body: isDirectory
        ? JSON.stringify({ ...JSON.parse(said.toString()), renewalInfo: `${origin}/renewal-info` })
        : seen,
    };
  }

  return at;
}

/** An authorization as it is of a name that was looked for in vain (RFC 8555 §7.1.6). */
function blinded(body: Buffer, name: string | undefined): Buffer | string {
  const authorization = JSON.parse(body.toString());
  if (authorization.identifier?.value !== name || authorization.status !== "valid") return body;
  const error = { type: "urn:ietf:params:acme:error:connection", detail: "timeout" };
  const challenges = authorization.challenges.map((each: object) => ({ ...each, status: "invalid", error }));
  return JSON.stringify({ ...authorization, status: "invalid", challenges });
}

function payloadOf(body: Buffer) {
  const { payload } = JSON.parse(body.toString()) as { payload: string };
  return JSON.parse(Buffer.from(payload, "base64url").toString());
}
