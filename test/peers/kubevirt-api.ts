import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import { createWebSocketStream, type WebSocket, WebSocketServer } from "ws";
import { LOOPBACK } from "../harness/free-port.ts";
import { type TestCertificate, testCertificate } from "../harness/test-certificates.ts";
import { KubeVirtCluster, StatusError } from "./kubevirt-cluster.ts";

/**
 * A stand-in for a cluster with KubeVirt, since none can be had on a machine that runs tests; the screen and the serial line of its machines
 * are those of a real QEMU. It follows, by name and as of August 2026:
 *
 * [concepts] Kubernetes documentation, "Kubernetes API Concepts": lists in pages with limit and continue, of which one is answered 410 Expired if it is
 *   too old; watches with resourceVersion, one JSON object a line, BOOKMARK where it was asked for, and ERROR with a Status of code 410.
 * [rbac] "Using RBAC Authorization": 401 without a good token or certificate, 403 without the right, with an object of kind Status.
 * [types] KubeVirt, staging/src/kubevirt.io/api/core/v1/types.go: VirtualMachine, VirtualMachineInstance, which belongs to it by ownerReferences.
 * [lifecycle] pkg/virt-api/rest/lifecycle.go: start, stop with gracePeriod, restart, reset: 202 with an empty body, 409 where it does not fit.
 * [vnc] pkg/virt-api/rest/vnc.go, pkg/virt-handler/rest/console.go: 400 for one that does not run or has no graphics device; one connection for each instance:
 *   who comes second ends the first, or with preserveSession=true is answered 503 by virt-handler.
 * [console] pkg/virt-api/rest/console.go, and the same console.go: no parameter, and whoever comes second ends the first.
 * [dialers] pkg/virt-api/rest/dialers.go, and EnrichError in client-go/kubevirt/typed/core/v1/async.go: virt-api makes 500 of that, and from 1.7.1 on
 *   quotes what virt-handler said.
 * [stream] staging/src/kubevirt.io/client-go/kubevirt/typed/core/v1/websocket.go: the sub-protocol plain.kubevirt.io.
 * [screenshot] pkg/virt-api/api.go: a PNG, and only for who takes one.
 */
export interface KubeVirtApi extends AsyncDisposable {
  /** As an administrator registers it. */
  readonly address: string;
  readonly port: number;
  readonly authority: TestCertificate;
  /** The bearer token that is good at this moment. */
  token: string;
  readonly cluster: KubeVirtCluster;
  /** What it was asked, as RBAC has it: `list virtualmachines.kubevirt.io`. */
  readonly rights: ReadonlySet<string>;
  /** What RBAC does not allow. */
  readonly forbidden: Set<string>;
  readonly asked: readonly string[];
  /** To be answered with instead, one for each of the next requests. */
  readonly failures: Failure[];
  /** Runs when a console is connected to, before that is judged. */
  onConsole: (() => void) | undefined;
  /** For how many a VNC or a serial line is open. */
  readonly viewers: number;
}

interface Failure {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const IN_USE =
  "Internal error occurred: Can't connect to websocket (503): websocket: bad handshake: application info: Active VNC connection. Request denied.";

interface Place {
  readonly host: string;
  readonly port: number;
}

export async function startKubeVirtApi(
  screen: Place,
  { line }: { readonly line?: Place } = {},
): Promise<KubeVirtApi> {
  const authority = await testCertificate({ commonName: "kubernetes" });
  const certificate = await testCertificate({ names: [LOOPBACK], issuer: authority });
  const server = createServer({
    ...{ cert: certificate.pem, key: certificate.keyPem, ca: authority.pem },
    ...{ requestCert: true, rejectUnauthorized: false },
  });
  const cluster = new KubeVirtCluster();
  const [rights, forbidden, asked] = [new Set<string>(), new Set<string>(), [] as string[]];
  const failures: Failure[] = [];
  const viewers = new Map<string, WebSocket>();
  const webSockets = new WebSocketServer({
    ...{ noServer: true, perMessageDeflate: false },
    handleProtocols: (offered) => (offered.has("plain.kubevirt.io") ? "plain.kubevirt.io" : false), // [stream]
  });
  server.on("request", (request, response) => void answer(request, response));
  server.on("upgrade", (request, socket, head) => {
    try {
      api.onConsole?.();
      judge(request);
      connectConsole(request, { socket, head });
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      const body = JSON.stringify(error.toStatus());
      socket.end(
        `HTTP/1.1 ${error.status} no\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
      );
    }
  });
  await once(server.listen(0, LOOPBACK), "listening");
  const { port } = server.address() as AddressInfo;
  const api: KubeVirtApi = {
    ...{ port, authority, cluster, rights, forbidden, asked, failures, token: "control.token" },
    address: `https://${LOOPBACK}:${port}`,
    onConsole: undefined,
    get viewers() {
      return viewers.size;
    },
    async [Symbol.asyncDispose]() {
      for (const each of webSockets.clients) each.terminate();
      webSockets.close();
      cluster.close();
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
  return api;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const said = await text(request);
    const failure = failures.shift();
    if (failure !== undefined) {
      response.writeHead(failure.status, { ...failure.headers }).end(failure.body);
      return;
    }
    try {
      judge(request);
      const { method = "", headers } = request;
      const url = urlOf(request);
      const instance = /\/virtualmachineinstances\/([^/]+)\/vnc\/screenshot$/.exec(url.pathname);
      if (instance !== null) {
        cluster.requireConsole(url.pathname.replace(/\/screenshot$/, ""));
        if (!`${headers.accept}`.includes("image/png")) throw new StatusError(406, "Not Acceptable"); // [screenshot]
        response.writeHead(200, { "content-type": "image/png" }).end(PNG);
      } else if (url.searchParams.get("watch") === "true") cluster.watch(url, response);
      else if (method === "PUT") {
        cluster.order(url.pathname, said === "" ? {} : JSON.parse(said)); // [lifecycle]
        response.writeHead(202).end();
      } else say(response, 200, cluster.read(url));
    } catch (error) {
      if (!(error instanceof StatusError)) throw error;
      say(response, error.status, error.toStatus());
    }
  }

  /** [rbac] */
  function judge(request: IncomingMessage): void {
    const { method = "", headers } = request;
    const path = urlOf(request).pathname;
    asked.push(`${method} ${path}`);
    const isKnown =
      headers.authorization === `Bearer ${api.token}` || (request.socket as TLSSocket).authorized;
    if (!isKnown) throw new StatusError(401, "Unauthorized");
    const right = rightFor(method, urlOf(request));
    rights.add(right);
    if (forbidden.has(right)) throw new StatusError(403, `User "porthole" cannot ${right}`);
  }

  function connectConsole(
    request: IncomingMessage,
    { socket, head }: { readonly socket: Duplex; readonly head: Buffer },
  ): void {
    const url = urlOf(request);
    const { uid, part } = cluster.requireConsole(url.pathname);
    const known = part === "vnc" ? ["preserveSession"] : []; // [vnc], [console]
    const unknown = [...url.searchParams.keys()].find((name) => !known.includes(name));
    if (unknown !== undefined) throw new StatusError(400, `unknown parameter ${unknown}`);
    const place = part === "vnc" ? screen : line;
    if (place === undefined) throw new StatusError(500, "no such socket");
    const key = `${uid} ${part}`;
    if (viewers.has(key)) {
      if (url.searchParams.get("preserveSession") === "true") throw new StatusError(500, IN_USE); // [vnc], [dialers]
      viewers.get(key)?.terminate();
    }
    if (request.headers["sec-websocket-protocol"] !== "plain.kubevirt.io")
      throw new StatusError(400, "no sub-protocol in common");
    webSockets.handleUpgrade(request, socket, head, (webSocket) => {
      viewers.set(key, webSocket);
      webSocket.on("close", () => {
        if (viewers.get(key) === webSocket) viewers.delete(key);
      });
      const stream = createWebSocketStream(webSocket);
      const machine = connect(place.port, place.host);
      for (const each of [machine, stream]) each.on("error", () => {});
      stream.on("close", () => machine.destroy());
      machine.on("close", () => stream.destroy());
      machine.pipe(stream).pipe(machine);
    });
  }
}

/** "Authorization", Determine the request verb; of a sub-resource the first part of its path is its name. */
function rightFor(method: string, url: URL): string {
  const pattern =
    /^\/(?:api|apis\/(?<group>[^/]+))\/v1(?:\/namespaces\/[^/]+)?(?:\/(?<kind>[a-z]+)(?:\/(?<name>[^/]+)(?:\/(?<part>.+))?)?)?$/;
  if (url.pathname.startsWith("/api/v1/namespaces/")) return "get namespaces";
  const { group = "", kind = "", name, part } = pattern.exec(url.pathname)?.groups ?? {};
  const listing = url.searchParams.get("watch") === "true" ? "watch" : "list";
  const verb = method === "PUT" ? "update" : name === undefined ? listing : "get";
  return `${verb} ${kind}${part === undefined ? "" : `/${part}`}.${group}`;
}

function urlOf({ url = "" }: IncomingMessage): URL {
  return new URL(url, "https://cluster");
}

function say(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

/** One grey pixel, and as many bytes of comment as a picture has at least. */
const PNG = Buffer.concat([
  Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==",
    "base64",
  ),
  Buffer.alloc(64),
]);
