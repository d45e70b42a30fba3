import { createHash, randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { json } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import { type WebSocket, WebSocketServer } from "ws";
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
  type Answer,
  type Envelope,
  type HeartbeatRequest,
  isQuestion,
  type JoinRequest,
  LINK_PATHS,
  LINK_PROTOCOL,
  type LinkCommand,
  type NodeTicketKey,
  type Question,
  type RedeemRequest,
  type RegisterRequest,
  type RenewRequest,
  type ReopenRequest,
  type ReportRequest,
  type SessionReport,
  type SessionToEnd,
} from "#wire/link.ts";
import type { PowerRequest } from "#wire/link-power.ts";
import { LinkQuestions } from "#wire/link-questions.ts";
import type { WhyResponse } from "#wire/link-why.ts";
import { sealTicket, type TicketClaims } from "#wire/ticket.ts";
import { refuseUpgrade, say } from "./answers.ts";
import { type ConsoleOptions, grantOf } from "./console-options.ts";
import { nodeSettings } from "./node-settings.ts";

const INSTALLATION = "test-installation";

export interface IssuedConsole {
  readonly sessionId: string;
  readonly ticket: string;
}

/**
 * The far end of the node link, on a real HTTPS listener with mutual TLS, as wire/link.ts has it. It decides nothing:
 * it issues what a test asks for, remembers what the node says, and can be made to fall silent.
 */
export class LinkDouble implements AsyncDisposable {
  settings = nodeSettings();
  /** `drop` hangs up on every question, `silence` leaves it standing. */
  mood: "answer" | "drop" | "silence" = "answer";
  /** Added to the time that control tells. */
  clockOffsetMs = 0;
  /** How old the certificates to come are already, in milliseconds; one use each. */
  readonly certificateAges: number[] = [];
  /** When the certificates of nodes are made otherwise; they are good for 90 days from then. */
  certificatesFrom = Date.now();
  /** Questions to come, requests to join, or channels (`channel`) that are refused with this code; one use each. */
  readonly refusals: { readonly call: string; readonly code: ErrorCode; readonly detail?: string }[] = [];
  readonly joins: JoinRequest[] = [];
  /** The token of a pod that may join. */
  serviceAccountToken: string | undefined;
  readonly registrations: RegisterRequest[] = [];
  readonly redemptions: RedeemRequest[] = [];
  readonly reopenings: ReopenRequest[] = [];
  readonly orders: PowerRequest[] = [];
  readonly reports: SessionReport[] = [];
  /** What a node is told that asks why a console has closed. */
  reason: WhyResponse = {};
  /** What the next report is answered with: sessions that the node is to end. */
  readonly over: SessionToEnd[] = [];
  /** The fingerprints of the certificates that channels were opened with, in their order. */
  readonly shown: string[] = [];
  readonly renewals: RenewRequest[] = [];
  /** Of the certificate with which the node said that it has renewed. */
  renewedWith: string | undefined;
  heartbeats = 0;
  heldGeneration: number | undefined;
  leaving: HeartbeatRequest["leaving"];
  deregistered = 0;
  readonly joinToken: string;
  readonly authority: Authority;
  readonly #server: Server;
  /** The newest first. */
  readonly #ticketKeys = [newTicketKey(1)];
  /** Whether it gives one key and knows no generations, as controls did before there were some. */
  isOld = false;
  readonly #hasDropped = Promise.withResolvers<void>();
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => offered.has(LINK_PROTOCOL) && LINK_PROTOCOL,
  });
  #held: { readonly call: string; readonly ask: () => void; readonly leave: Promise<void> } | undefined;
  readonly #grants = new Map<string, Grant | GatewayError>();
  readonly #commands = new LinkQuestions((question) => {
    const [channel] = this.channels;
    channel?.send(JSON.stringify([question]));
  });

  private constructor(server: Server, authority: Authority) {
    this.#server = server;
    this.authority = authority;
    this.joinToken = `${fingerprint(authority.certificate)}.${randomBytes(24).toString("base64url")}`;
    server.on("request", (request, response) => void this.#answerJoin(request, response));
    server.on("upgrade", async (request, socket, head) => {
      await this.#waitIfHeld("channel");
      this.#openChannel(request, socket, head);
    });
  }

  /** Several replicas of one control have one CA. */
  static async start(replicaOf?: Authority): Promise<LinkDouble> {
    const now = Date.now();
    const authority = replicaOf ?? (await createAuthority({ name: "test", now }));
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
    const sessionId = randomUUID();
    if (registration === undefined) throw new Error("no node has registered");
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
    const key = this.#ticketKeys.find(({ generation }) => generation === options.generation);
    return { sessionId, ticket: await sealTicket(claims, key ?? this.#newestKey) };
  }

  /** A new generation of ticket keys; with `forget` all others are gone. Tells no node. */
  rotate({ forget = false } = {}): void {
    const next = newTicketKey(this.#newestKey.generation + 1);
    this.#ticketKeys.splice(0, forget ? this.#ticketKeys.length : 0, next);
  }

  /** Asks the node that has the first channel. Resolves to its answer, whatever it is. */
  async command(call: LinkCommand, body: unknown): Promise<Answer> {
    return await this.#commands.ask(call, body, AbortSignal.timeout(60_000));
  }

  /** Channels that are open. */
  get channels(): ReadonlySet<WebSocket> {
    return this.#webSockets.clients;
  }

  /** Resolves once somebody was hung up on. */
  async dropped(): Promise<void> {
    await this.#hasDropped.promise;
  }

  /** The next question of this kind, or channel, waits for its answer until the test gives leave. */
  hold(call: string): { readonly asked: Promise<void>; answer(): void } {
    const asked = Promise.withResolvers<void>();
    const leave = Promise.withResolvers<void>();
    this.#held = { call, ask: asked.resolve, leave: leave.promise };
    return { asked: asked.promise, answer: leave.resolve };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    for (const webSocket of this.#webSockets.clients) webSocket.terminate();
    await once(this.#server, "close");
  }

  async #answerJoin(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.mood === "drop") this.#drop(request.socket);
    if (this.mood !== "answer") return;
    try {
      if (request.url !== LINK_PATHS.join) throw new GatewayError("not_found");
      await this.#waitOrRefuse("join");
      say(response, 200, await this.#join((await json(request)) as JoinRequest));
    } catch (thrown) {
      const error = toGatewayError(thrown);
      say(response, error.status, { error: error.toPublic() });
    }
  }

  #openChannel(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.mood === "drop") return void this.#drop(socket);
    const isStranger = request.url !== LINK_PATHS.channel || !isNode(request.socket as TLSSocket);
    if (isStranger) return void refuseUpgrade(socket, new GatewayError("node_refused"));
    const planned = this.refusals.findIndex(({ call }) => call === "channel");
    const [plan] = this.refusals.splice(planned, planned < 0 ? 0 : 1);
    if (plan !== undefined) return void refuseUpgrade(socket, new GatewayError(plan.code, plan));
    const shown = fingerprint((request.socket as TLSSocket).getPeerCertificate());
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.shown.push(shown);
      webSocket.on("message", (data) => {
        if (this.mood === "drop") this.#drop(socket);
        for (const envelope of JSON.parse(String(data)) as Envelope[]) {
          if (isQuestion(envelope)) void this.#answer({ webSocket, shown }, envelope);
          else this.#commands.answer(envelope);
        }
      });
    });
  }

  async #answer(
    { webSocket, shown }: { readonly webSocket: WebSocket; readonly shown: string },
    { id, call, body }: Question,
  ): Promise<void> {
    if (this.mood !== "answer") return;
    const answer = async () => {
      await this.#waitOrRefuse(call);
      if (call === "renewed") this.renewedWith = shown;
      return { id, body: await this.#route(call, body) };
    };
    const said = await answer().catch((thrown) => ({ id, error: toGatewayError(thrown).toPublic() }));
    webSocket.send(JSON.stringify([said]));
  }

  #drop(socket: Duplex): void {
    socket.destroy();
    this.#hasDropped.resolve();
  }

  async #waitIfHeld(call: string): Promise<void> {
    if (this.#held?.call !== call) return;
    const { ask, leave } = this.#held;
    this.#held = undefined;
    ask();
    await leave;
  }

  async #waitOrRefuse(call: string): Promise<void> {
    await this.#waitIfHeld(call);
    const refusal = this.refusals.find((planned) => planned.call === call);
    if (refusal === undefined) return;
    this.refusals.splice(this.refusals.indexOf(refusal), 1);
    throw new GatewayError(refusal.code);
  }

  // biome-ignore lint/suspicious/noExplicitAny: the node's own types are what is tested; here each call casts.
  async #route(call: string, body: any): Promise<unknown> {
    switch (call) {
      case "register":
        this.registrations.push(body);
        return { nodeId: "node-1", ticketKey: this.#oldWireKey, ...this.#told };
      case "heartbeat":
        this.heartbeats += 1;
        ({ ticketGeneration: this.heldGeneration, leaving: this.leaving } = body as HeartbeatRequest);
        return this.#told;
      case "redeem":
        return this.#redeem(body);
      case "reopen":
        this.reopenings.push(body);
        return { url: "http://node.example.com/p/x/console.html#token=new" };
      case "power":
        this.orders.push(body);
        return {};
      case "report":
        this.reports.push(...(body as ReportRequest).reports);
        return { over: this.over.splice(0) };
      case "why":
        return this.reason;
      case "renew":
        this.renewals.push(body);
        return { certificate: await this.#issueTo((body as RenewRequest).certificateRequest) };
      case "renewed":
      case "refused":
        return {};
      case "deregister":
        this.deregistered += 1;
        return {};
      default:
        throw new GatewayError("not_found");
    }
  }

  async #join(request: JoinRequest) {
    this.joins.push(request);
    const isPod =
      request.serviceAccountToken !== undefined && request.serviceAccountToken === this.serviceAccountToken;
    if (!isPod && request.joinToken !== this.joinToken) throw new GatewayError("join_token_invalid");
    const certificate = await this.#issueTo(request.certificateRequest);
    return { nodeId: "node-1", certificate, authority: this.authority.certificate };
  }

  async #issueTo(request: string): Promise<string> {
    return await issueNodeCertificate(this.authority, {
      nodeId: "node-1",
      installationId: INSTALLATION,
      request,
      now: this.certificatesFrom - (this.certificateAges.shift() ?? 0),
    });
  }

  #redeem(request: RedeemRequest): Grant {
    this.redemptions.push(request);
    const grant = this.#grants.get(request.sessionId);
    if (grant === undefined) throw new GatewayError("ticket_foreign");
    if (grant instanceof GatewayError) throw grant;
    return grant;
  }

  /** What a node is told with every answer to register and heartbeat. */
  get #told() {
    const ticketKeys = this.isOld ? {} : { ticketKeys: this.wireKeys };
    return { ...ticketKeys, now: this.now, settings: this.settings };
  }

  get wireKeys(): NodeTicketKey[] {
    return this.#ticketKeys.map(({ generation, kid, key }) => ({
      generation,
      kid,
      key: key.toString("base64url"),
    }));
  }

  get #oldWireKey() {
    return { kid: this.#newestKey.kid, key: this.#newestKey.key.toString("base64url") };
  }

  get #newestKey() {
    const [newest] = this.#ticketKeys;
    if (newest === undefined) throw new Error("there is always one");
    return newest;
  }
}

function isNode(socket: TLSSocket): boolean {
  const identity = socket.authorized ? nodeIdentity(socket.getPeerCertificate()) : undefined;
  return identity?.installationId === INSTALLATION;
}

function newTicketKey(generation: number) {
  const key = randomBytes(32);
  return { generation, kid: `test-key-${generation}`, key, aead: aes256Gcm(key) };
}
