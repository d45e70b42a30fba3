import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { Session, XapiCalls } from "./calls.ts";
import type { XapiObjects } from "./objects.ts";
import { SCREEN } from "./screen.ts";

/** Where a machine's VNC server is, or its line; undefined: it is gone, though XAPI knows nothing of it yet. */
export type PlaceOf = (vm: string) => { readonly host: string; readonly port: number } | undefined;

interface Parts {
  readonly objects: XapiObjects;
  readonly calls: XapiCalls;
  readonly placesOf: Readonly<Record<"rfb" | "vt100", PlaceOf>>;
  /** The host at which it was asked. */
  readonly host: string;
  readonly open: Map<string, number>;
}

/** Exactly so, and before xapi looks for the VNC server: ocaml/xapi/console.ml real_proxy', ocaml/libs/http-lib/http.ml:44. */
const OK = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nCache-Control: no-cache, no-store\r\n\r\n";
const LIMITED =
  "<html><body><h1>Connection Limit Exceeded</h1><p>User 'ada' is currently connected to this console. No more connections are allowed when limit_console_sessions is enabled.</p></body></html>";

/**
 * `CONNECT /console HTTP/1.0` (ocaml/libs/http-lib/http_svr.ml:18-28, ocaml/xapi/console.ml and xapi_http.ml, xen-api e2ee48d6): who asks is
 * known by the cookie `session_id`, may it be by the role, and the machine has to run at this very host.
 */
export function serveConnect(parts: Parts, request: IncomingMessage, socket: Duplex): void {
  socket.on("error", () => {});
  // It is HTTP/1.0: of a proxy's CONNECT nothing is known here.
  if (request.httpVersion !== "1.0") {
    refuse(socket, 400, "Bad Request", "");
    return;
  }
  const found = consoleOf(parts, request);
  if (typeof found === "number") {
    refuse(socket, found, REASONS[found] ?? "", "<html></html>");
    return;
  }
  const { vm, protocol } = found;
  const before = parts.open.get(vm) ?? 0;
  if (before > 0 && isLimited(parts.objects)) {
    refuse(socket, 503, "Connection Limit Exceeded", LIMITED);
    return;
  }
  parts.open.set(vm, before + 1);
  socket.on("close", () => parts.open.set(vm, (parts.open.get(vm) ?? 1) - 1));
  socket.write(OK);
  const place = parts.placesOf[protocol](vm);
  if (place === undefined) {
    socket.end();
    return;
  }
  bridge(socket, place);
}

/** `GET /console` with an upgrade (ocaml/xapi/console.ml ws_proxy, ocaml/xapi/ws_helpers.ml): the same, in binary messages. */
export function serveWebSocket(parts: Parts, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.on("error", () => {});
  const found = consoleOf(parts, request);
  if (typeof found === "number") {
    refuse(socket, found, REASONS[found] ?? "", "<html></html>");
    return;
  }
  if (isLimited(parts.objects)) {
    // Whoever asks, and be it the first one: go_if_no_limit.
    socket.end("HTTP/1.0 503 Service Unavailable\r\n\r\n");
    return;
  }
  const place = parts.placesOf[found.protocol](found.vm);
  const server = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => offered.has("binary") && "binary",
  });
  server.handleUpgrade(request, socket, head, (peer) => {
    if (place === undefined) {
      peer.close();
      return;
    }
    const vnc = connect(place);
    vnc.on("data", (chunk) => peer.send(chunk)).on("close", () => peer.close());
    vnc.on("error", () => peer.close());
    peer.on("message", (data: Buffer) => vnc.write(data)).on("close", () => vnc.destroy());
  });
}

/** `GET /vncsnapshot` (ocaml/xapi/xapi_vncsnapshot.ml): a JPEG, where it is vncsnapshot's there and always the same here. */
export function snapshot(parts: Parts, request: IncomingMessage): Buffer | number {
  const found = consoleOf(parts, request);
  return typeof found === "number" ? found : SCREEN;
}

const REASONS: Readonly<Record<number, string>> = {
  401: "Unauthorised",
  403: "Forbidden",
  404: "Not Found",
  500: "Internal Error",
};

/** Whose console it is, or the status by which it is refused. */
function consoleOf(
  { objects, calls, host }: Parts,
  request: IncomingMessage,
): { readonly vm: string; readonly protocol: "rfb" | "vt100"; readonly session: Session } | number {
  const session = calls.sessions.get(/^session_id=(\S+)$/.exec(request.headers.cookie ?? "")?.[1] ?? "");
  if (session === undefined) return 401;
  if (session.role === "read-only") return 403;
  const uuid = new URL(request.url ?? "", "https://x").searchParams.get("uuid");
  const byVm = objects.all("VM").find(([, fields]) => fields["uuid"] === uuid)?.[0];
  const console = objects.all("console").find(([, fields]) => fields["uuid"] === uuid)?.[1];
  const vm = byVm ?? (console === undefined ? undefined : String(console["VM"]));
  const fields = vm === undefined ? undefined : objects.get("VM", vm);
  if (vm === undefined || fields?.["power_state"] !== "Running") return 500;
  if (objects.get("host", String(fields["resident_on"]))?.["address"] !== host) return 500;
  // Of a machine it is the one of RFB (default_console_of_vm).
  return { vm, protocol: console?.["protocol"] === "vt100" ? "vt100" : "rfb", session };
}

function isLimited(objects: XapiObjects): boolean {
  return objects.all("pool").some(([, fields]) => fields["limit_console_sessions"] === true);
}

function refuse(socket: Duplex, status: number, reason: string, body: string): void {
  const more = status === 401 ? 'WWW-Authenticate: Basic realm="console"\r\n' : "";
  socket.end(
    `HTTP/1.0 ${status} ${reason}\r\ncontent-type: text/html\r\nconnection: close\r\n${more}content-length: ${body.length}\r\n\r\n${body}`,
  );
}

function bridge(socket: Duplex, place: { readonly host: string; readonly port: number }): void {
  const vnc = connect(place);
  vnc.on("error", () => socket.destroy()).on("close", () => socket.end());
  socket.on("close", () => vnc.destroy());
  vnc.pipe(socket);
  socket.pipe(vnc);
}
