import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { LOOPBACK } from "../harness/free-port.ts";
import { type TestCertificate, testCertificate } from "../harness/test-certificates.ts";
import { type Cluster, ProxmoxError, questions } from "./proxmox-cluster.ts";
import { ProxmoxVnc, type Screen } from "./proxmox-vnc.ts";

/**
 * A stand-in for a Proxmox VE cluster of two nodes, since none can be had on a machine that runs tests; the screen and the serial line of its machines
 * are those of a real QEMU. It follows Proxmox' own sources, by name and as of August 2026:
 *
 * [server] pve-http-server, src/PVE/APIServer/AnyEvent.pm: an API token is `Authorization: PVEAPIToken=USER@REALM!NAME=SECRET`, and what stands
 *   there is unescaped; no chunked bodies (501); 401 has its reason in the status line, an empty body, and comes three seconds later
 *   (here at once).
 * [format] src/PVE/APIServer/Formatter/Standard.pm: what is answered stands under `data`; errors have their message in the status line, and
 *   below it as `message`, which releases before some of 8 leave out.
 * [params] pve-common, PVE::JSONSchema and PVE::RESTHandler: what a call does not know is refused, 400 "Parameter verification failed."
 * [resources] pve-manager, PVE/API2/Cluster.pm, PVE/API2Tools.pm: machines on which the token has VM.Audit; whether they run is what pvestatd said
 *   last, which is some seconds old.
 *   Of a node that is down it says no more than a machine's number, node and kind, once what was said last is five minutes old,
 *   and until it is back and its pvestatd has gone round.
 * [nodes] pve-manager, PVE/API2/Nodes.pm, index: every node, online or offline, to whoever is signed in.
 * [qemu] qemu-server, src/PVE/API2/Qemu.pm: vmlist, vm_config, vm_status, vncproxy, termproxy, vncwebsocket and status/…, with their privileges.
 * [proxy] pve-manager, PVE/HTTPServer.pm: what another node has to answer is asked there; where that one is down, 595.
 * [permissions] pve-access-control, src/PVE/API2/AccessControl.pm.
 * [certificates] pve-manager, PVE/API2/Certificates.pm.
 */
export interface ProxmoxApi extends AsyncDisposable {
  /** As an administrator registers it. */
  readonly address: string;
  readonly port: number;
  readonly authority: TestCertificate;
  readonly server: TestCertificate;
  readonly tokenId: string;
  readonly secret: string;
  readonly cluster: Cluster;
  /** What it was asked: method and path, without the query. */
  readonly asked: readonly string[];
  /** All tickets and passwords that it gave out. */
  readonly secrets: readonly string[];
  /** To be answered with instead, one for each of the next requests. */
  readonly failures: Failure[];
  /** What was said to a termproxy that it does not understand. */
  readonly misread: readonly string[];
  /** Lets the time pass in which what was asked for last can be connected to. */
  letTicketsExpire(): void;
  /** Lets the shorter time pass after which nothing listens for it any more. */
  stopListening(): void;
  /** Runs when the next console was made ready, before that is answered. */
  onProxy: (() => void) | undefined;
}

export interface Failure {
  readonly status: number;
  readonly message?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const BASE = "/api2/json";

export async function startProxmoxApi(screen: Screen): Promise<ProxmoxApi> {
  const authority = await testCertificate({ commonName: "Proxmox Virtual Environment" });
  const certificate = await testCertificate({ names: [LOOPBACK], issuer: authority });
  const server = createServer({ cert: certificate.pem, key: certificate.keyPem });
  const [tokenId, secret] = ["porthole@pve!consoles", randomUUID()];
  const asked: string[] = [];
  const failures: Failure[] = [];
  const cluster: Cluster = {
    machines: new Map(),
    privileges: new Set(["VM.Audit", "VM.Console", "VM.PowerMgmt"]),
    down: new Set(),
    unnoticed: new Set(),
    untold: new Set(),
    isOld: false,
    takesTokens: true,
    authorityFingerprint: randomBytes(32)
      .toString("hex")
      .toUpperCase()
      .replace(/(..)(?=.)/g, "$1:"),
  };
  const vnc = new ProxmoxVnc(cluster, { screen, user: tokenId });
  server.on("request", (request, response) => void answer(request, response));
  server.on("upgrade", (request, socket, head) => {
    asked.push(`${request.method} ${pathOf(request)}`);
    const problem = refusedToken(request);
    if (problem === undefined) vnc.upgrade(request, { socket, head, url: urlOf(request) });
    else socket.end(`HTTP/1.1 401 ${problem}\r\ncontent-length: 0\r\n\r\n`);
  });
  await once(server.listen(0, LOOPBACK), "listening");
  const { port } = server.address() as AddressInfo;
  const api: ProxmoxApi = {
    ...{ port, authority, server: certificate, tokenId, secret, cluster, asked, failures },
    address: `https://${LOOPBACK}:${port}`,
    get secrets() {
      return vnc.secrets;
    },
    get misread() {
      return vnc.misread;
    },
    letTicketsExpire: () => vnc.expire(),
    stopListening: () => vnc.stopListening(),
    onProxy: undefined,
    async [Symbol.asyncDispose]() {
      vnc.close();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
  return api;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    asked.push(`${request.method} ${pathOf(request)}`);
    const said = await text(request);
    const failure = failures.shift();
    if (failure !== undefined) return fail(response, failure);
    if (request.headers["transfer-encoding"] !== undefined) return fail(response, { status: 501 }); // [server]
    const problem = refusedToken(request);
    if (problem !== undefined) return fail(response, { status: 401, message: problem, body: "" });
    try {
      say(response, { data: handle(request, said) });
    } catch (error) {
      if (!(error instanceof ProxmoxError)) throw error;
      const { status, message, errors } = error;
      const body = { data: null, ...(cluster.isOld ? {} : { message }), ...(errors && { errors }) };
      fail(response, { status, message, body: JSON.stringify(body) });
    }
  }

  function handle(request: IncomingMessage, said: string): unknown {
    const { method = "" } = request;
    const url = urlOf(request);
    if (!url.pathname.startsWith(`${BASE}/`)) throw new ProxmoxError(501, "no such uri");
    const path = url.pathname.slice(BASE.length);
    if (said !== "" && request.headers["content-type"] !== "application/x-www-form-urlencoded")
      throw new ProxmoxError(415, "unexpected Content-Type"); // [server]
    const parameters = {
      ...Object.fromEntries(url.searchParams),
      ...Object.fromEntries(new URLSearchParams(said)),
    };
    const found = questions(cluster, vnc).find((each) => each.method === method && each.path.test(path));
    if (found === undefined) throw new ProxmoxError(501, `Method '${method} ${path}' not implemented`);
    const unknown = Object.keys(parameters).find((name) => !(found.parameters ?? []).includes(name));
    if (unknown !== undefined)
      throw new ProxmoxError(400, "Parameter verification failed.", {
        [unknown]: "property is not defined in schema",
      });
    const result = found.answer(found.path.exec(path)?.groups ?? {}, parameters);
    if (/\/(vnc|term)proxy$/.test(path)) api.onProxy?.();
    return result;
  }

  function refusedToken({ headers: { authorization = "" } }: IncomingMessage): string | undefined {
    if (!authorization.startsWith("PVEAPIToken=")) return "No ticket";
    const value = decodeURIComponent(authorization.slice("PVEAPIToken=".length));
    return value === `${tokenId}=${secret}` ? undefined : "Authentication failed!";
  }
}

function urlOf({ url = "" }: IncomingMessage): URL {
  return new URL(url, "https://cluster");
}

function pathOf(request: IncomingMessage): string {
  return urlOf(request).pathname;
}

function fail(response: ServerResponse, { status, message = "", headers = {}, body }: Failure): void {
  const reason = message.trim().replace(/[^ -~]/g, "?");
  response.writeHead(status, reason, { "content-type": "application/json;charset=UTF-8", ...headers });
  response.end(body ?? JSON.stringify({ data: null, message }));
}

function say(response: ServerResponse, body: object): void {
  response.writeHead(200, { "content-type": "application/json;charset=UTF-8" }).end(JSON.stringify(body));
}
