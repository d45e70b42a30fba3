import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { KeystoneChange } from "#wire/keystone.ts";
import { testCertificate } from "./test-certificates.ts";

/** What is said of a token. */
interface DoubleToken {
  readonly user: string;
  /** Absent: it is for none. */
  readonly project?: string;
  readonly roles: readonly string[];
  readonly expiresAt?: number;
}

/** How it answers instead of as Keystone does. */
type Mood = "answers" | "hangs" | "huge" | "nonsense" | "broken" | "forbids" | "moved";

/**
 * What Debian's Keystone cannot be brought to do: answer too much, nonsense, or not at all. What it says when it answers is what that
 * one was seen to say (test/peers/keystone.test.ts runs it). Ids are names with `-id` behind them.
 */
export interface KeystoneDouble extends AsyncDisposable {
  readonly url: string;
  readonly ca: string;
  readonly tokens: Map<string, DoubleToken>;
  mood: Mood;
  /** Questions about tokens, and sign-ins. */
  asked: number;
  signedIn: number;
  /** What it gave out is good no more, as after its keys were changed. */
  forgetOwn(): void;
  /** What configures it, with `change` beside it. */
  configuration(change?: Partial<KeystoneChange>): KeystoneChange;
}

const HOUR_MS = 3_600_000;

/** `now`: by whose clock tokens end. */
export async function startKeystoneDouble(now: () => number): Promise<KeystoneDouble> {
  const authority = await testCertificate({ commonName: "keystone" });
  const { pem: cert, keyPem: key } = await testCertificate({ names: ["127.0.0.1"], issuer: authority });
  const own = new Set<string>();
  const server = createServer({ cert, key }, (request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/v3`;
  const double: KeystoneDouble = {
    ...{ url, ca: authority.pem, tokens: new Map(), mood: "answers", asked: 0, signedIn: 0 },
    forgetOwn: () => own.clear(),
    configuration: (change = {}) => ({
      url,
      caCertificate: authority.pem,
      credentials: { username: "porthole", project: "service", password: "the-services-password" },
      ...change,
    }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return double;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, body: unknown, headers = {}) =>
      response
        .writeHead(status, { "content-type": "application/json", ...headers })
        .end(JSON.stringify(body));
    if (request.method === "POST") {
      double.signedIn += 1;
      const isOurs = (await text(request)).includes("the-services-password");
      if (!isOurs) return void send(401, { error: { code: 401 } });
      const token = `own-${double.signedIn}`;
      own.add(token);
      const said = { user: "porthole", project: "service", roles: ["service"] };
      return void send(201, documentOf(said, now), { "x-subject-token": token });
    }
    double.asked += 1;
    if (double.mood === "hangs") return;
    if (double.mood === "huge") return void response.writeHead(200).end("x".repeat(1024 * 1024));
    if (double.mood === "nonsense") return void send(200, { token: { user: "nobody" } });
    if (double.mood === "broken") return void send(500, { error: { code: 500 } });
    if (double.mood === "forbids") return void send(403, { error: { code: 403 } });
    if (double.mood === "moved") return void send(302, {}, { location: "https://192.0.2.1/v3" });
    if (!own.has(String(request.headers["x-auth-token"]))) return void send(401, { error: { code: 401 } });
    const said = double.tokens.get(String(request.headers["x-subject-token"]));
    if (said === undefined) return void send(404, { error: { code: 404 } });
    send(200, documentOf(said, now));
  }
}

function documentOf({ user, project, roles, expiresAt }: DoubleToken, now: () => number): unknown {
  const domain = { id: "default", name: "Default" };
  return {
    token: {
      methods: ["password"],
      user: { domain, id: `${user}-id`, name: user, password_expires_at: null },
      expires_at: new Date(expiresAt ?? now() + HOUR_MS).toISOString(),
      issued_at: new Date(now()).toISOString(),
      ...(project === undefined ? {} : { project: { domain, id: `${project}-id`, name: project } }),
      roles: roles.map((name) => ({ id: `${name}-id`, name })),
    },
  };
}
