import { createHash, randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { TLSSocket } from "node:tls";
import { aes256Gcm } from "#base/process/aes-256-gcm.ts";
import {
  type Authority,
  createAuthority,
  issueNodeCertificate,
  issueServerCertificate,
} from "#tls/authority.ts";
import { fingerprint, nodeIdentity } from "#tls/node-identity.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import type { Grant } from "#wire/grant.ts";
import {
  type JoinRequest,
  LINK_ROUTES,
  type NodeSettings,
  type RedeemRequest,
  type RegisterRequest,
  type ReopenRequest,
  type ReportRequest,
  type SessionReport,
} from "#wire/link.ts";
import { ALL_RIGHTS } from "#wire/rights.ts";
import { sealTicket, type TicketClaims } from "#wire/ticket.ts";

const INSTALLATION = "test-installation";

/** What a test says about one console; the rest is what a good one has. */
export interface ConsoleOptions {
  readonly upstream?: Grant["upstream"];
  readonly rights?: Grant["rights"];
  readonly machineId?: string;
  readonly machineName?: string;
  readonly extra?: string;
  readonly claims?: Partial<TicketClaims>;
  /** What redemption is answered with instead of a grant. */
  readonly refusal?: ErrorCode;
}

export interface IssuedConsole {
  readonly sessionId: string;
  readonly ticket: string;
}

/**
 * The far end of the node link, on a real HTTPS listener with mutual TLS, as wire/link.ts has it. It decides nothing:
 * it issues what a test asks for, remembers what the node says, and can be made to fall silent.
 */
export class LinkDouble implements AsyncDisposable {
  settings: NodeSettings = {
    heartbeatIntervalMs: 60_000,
    upstreamAllow: "127.0.0.0/8,unix:/tmp/*",
    allowedOrigins: ["https://portal.example.com"],
    frameAncestors: ["https://portal.example.com"],
    entrances: ["http://other-node.example.com"],
  };
  /** `drop` closes every connection without an answer, `silence` leaves the question standing. */
  mood: "answer" | "drop" | "silence" = "answer";
  /** Added to the time that control tells. */
  clockOffsetMs = 0;
  /** When the certificates of nodes that join are made; they are good for 365 days from then. */
  certificatesFrom = Date.now();
  /** Answers to come that are refused with this code, by route; one use each. */
  readonly refusals: { readonly path: string; readonly code: ErrorCode }[] = [];
  readonly joins: JoinRequest[] = [];
  readonly registrations: RegisterRequest[] = [];
  readonly redemptions: RedeemRequest[] = [];
  readonly reopenings: ReopenRequest[] = [];
  readonly reports: SessionReport[] = [];
  heartbeats = 0;
  deregistered = 0;
  readonly joinToken: string;
  readonly authority: Authority;
  readonly #server: Server;
  readonly #ticketKey = newTicketKey();
  readonly #hasDropped = Promise.withResolvers<void>();
  #held: { readonly path: string; readonly ask: () => void; readonly leave: Promise<void> } | undefined;
  readonly #grants = new Map<string, Grant | GatewayError>();

  private constructor(server: Server, authority: Authority) {
    this.#server = server;
    this.authority = authority;
    this.joinToken = `${fingerprint(authority.certificate)}.${randomBytes(24).toString("base64url")}`;
    server.on("request", (request, response) => void this.#answer(request, response));
  }

  static async start(): Promise<LinkDouble> {
    const now = Date.now();
    const authority = await createAuthority({ name: "test", now });
    const { certificate, privateKey } = await issueServerCertificate(authority, {
      hosts: ["127.0.0.1"],
      now,
    });
    const server = createServer({
      cert: certificate,
      key: privateKey,
      ca: authority.certificate,
      requestCert: true,
      rejectUnauthorized: false,
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new LinkDouble(server, authority);
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get now(): number {
    return Date.now() + this.clockOffsetMs;
  }

  /** The endings that were reported, as `code` by session. */
  endingOf(sessionId: string): SessionReport | undefined {
    return this.reports.find((report) => report.sessionId === sessionId && report.state === "ended");
  }

  async issue(options: ConsoleOptions = {}): Promise<IssuedConsole> {
    const registration = this.registrations.at(-1);
    if (registration === undefined) throw new Error("no node has registered");
    const sessionId = randomUUID();
    this.#grants.set(sessionId, grantOf(sessionId, options));
    const claims: TicketClaims = {
      sessionId,
      attachment: 1,
      nodeId: "node-1",
      incarnation: registration.incarnation,
      issuedAt: this.now,
      expiresAt: this.now + 60_000,
      ...(options.extra === undefined
        ? {}
        : { extraHash: createHash("sha256").update(options.extra).digest("base64url") }),
      ...options.claims,
    };
    return { sessionId, ticket: await sealTicket(claims, this.#ticketKey) };
  }

  /** Resolves once somebody was hung up on. */
  async dropped(): Promise<void> {
    await this.#hasDropped.promise;
  }

  /** The next question to this route waits for its answer until the test gives leave. */
  hold(path: string): { readonly asked: Promise<void>; answer(): void } {
    const asked = Promise.withResolvers<void>();
    const leave = Promise.withResolvers<void>();
    this.#held = { path, ask: asked.resolve, leave: leave.promise };
    return { asked: asked.promise, answer: leave.resolve };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.mood === "drop") this.#drop(request);
    if (this.mood !== "answer") return;
    try {
      const body = JSON.parse(await text(request));
      await this.#waitIfHeld(request.url);
      const refusal = this.refusals.find(({ path }) => path === request.url);
      if (refusal !== undefined) this.refusals.splice(this.refusals.indexOf(refusal), 1);
      if (refusal !== undefined) throw new GatewayError(refusal.code);
      if (request.url !== LINK_ROUTES.join) this.#checkNode(request.socket as TLSSocket);
      say(response, 200, await this.#route(request.url ?? "", body));
    } catch (thrown) {
      const error = toGatewayError(thrown);
      say(response, error.status, { error: error.toPublic() });
    }
  }

  #drop(request: IncomingMessage): void {
    request.socket.destroy();
    this.#hasDropped.resolve();
  }

  async #waitIfHeld(path: string | undefined): Promise<void> {
    const held = this.#held;
    if (held?.path !== path) return;
    this.#held = undefined;
    held?.ask();
    await held?.leave;
  }

  #checkNode(socket: TLSSocket): void {
    const identity = socket.authorized ? nodeIdentity(socket.getPeerCertificate()) : undefined;
    if (identity?.installationId !== INSTALLATION) throw new GatewayError("node_refused");
  }

  // biome-ignore lint/suspicious/noExplicitAny: the node's own types are what is tested; here each route casts.
  async #route(path: string, body: any): Promise<unknown> {
    switch (path) {
      case LINK_ROUTES.join:
        return await this.#join(body);
      case LINK_ROUTES.register:
        this.registrations.push(body);
        return { nodeId: "node-1", ticketKey: this.#wireKey, now: this.now, settings: this.settings };
      case LINK_ROUTES.heartbeat:
        this.heartbeats += 1;
        return { now: this.now, settings: this.settings };
      case LINK_ROUTES.redeem:
        return this.#redeem(body);
      case LINK_ROUTES.reopen:
        this.reopenings.push(body);
        return { url: "http://node.example.com/p/x/console.html#token=new" };
      case LINK_ROUTES.report:
        this.reports.push(...(body as ReportRequest).reports);
        return {};
      case LINK_ROUTES.deregister:
        this.deregistered += 1;
        return {};
      default:
        throw new GatewayError("not_found");
    }
  }

  async #join(request: JoinRequest) {
    this.joins.push(request);
    if (request.joinToken !== this.joinToken) throw new GatewayError("join_token_invalid");
    const certificate = await issueNodeCertificate(this.authority, {
      nodeId: "node-1",
      installationId: INSTALLATION,
      request: request.certificateRequest,
      now: this.certificatesFrom,
    });
    return { nodeId: "node-1", certificate, authority: this.authority.certificate };
  }

  #redeem(request: RedeemRequest): Grant {
    this.redemptions.push(request);
    const grant = this.#grants.get(request.sessionId);
    if (grant === undefined) throw new GatewayError("ticket_foreign");
    if (grant instanceof GatewayError) throw grant;
    return grant;
  }

  get #wireKey() {
    return { kid: this.#ticketKey.kid, key: this.#ticketKey.key.toString("base64url") };
  }
}

function grantOf(sessionId: string, options: ConsoleOptions): Grant | GatewayError {
  if (options.refusal !== undefined) return new GatewayError(options.refusal);
  return {
    sessionId,
    attachment: 1,
    machine: { id: options.machineId ?? "machine-1", name: options.machineName ?? "web-1" },
    protocol: "rfb",
    upstream: options.upstream ?? { address: { kind: "tcp", host: "127.0.0.1", port: 1 } },
    rights: options.rights ?? ALL_RIGHTS,
    reopen: `reopen-${sessionId}`,
  };
}

async function text(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

function say(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function newTicketKey() {
  const key = randomBytes(32);
  return { kid: "test-key", key, aead: aes256Gcm(key) };
}
