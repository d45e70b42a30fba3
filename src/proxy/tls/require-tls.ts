import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { OwnOrigins } from "../http/origin.ts";
import { hostOf } from "../http/viewer-address.ts";

/** Short enough to be over soon where an operator goes back to plain HTTP: browsers refuse that for as long. In seconds. */
const HSTS_SECONDS = 30 * 24 * 60 * 60;

export const HSTS = { name: "strict-transport-security", value: `max-age=${HSTS_SECONDS}` } as const;

export function isSecure(socket: Socket): boolean {
  return (socket as Partial<TLSSocket>).encrypted === true;
}

/**
 * Sends whoever came without TLS to the same host and path by TLS. Permanently, and not to be remembered: an operator may
 * change his mind.
 */
export function redirectToTls(
  request: IncomingMessage,
  response: ServerResponse,
  {
    pageOrigin,
    webSocketOrigin,
    webSocketPort,
    publicPath,
  }: OwnOrigins & {
    readonly publicPath: string | null;
    /** On which this node listens for the WebSocket alone. */
    readonly webSocketPort: number | undefined;
  },
): void {
  const { url, socket } = request;
  const location = new URL(socket.localPort === webSocketPort ? webSocketOrigin : pageOrigin);
  location.hostname = nameAsked(request) ?? location.hostname;
  const path = url?.startsWith("/") === true ? url : "/";
  response.writeHead(308, {
    location: `${location.origin}${publicPath ?? ""}${path}`,
    "cache-control": "no-store",
    connection: "close",
    "content-length": 0,
  });
  response.end();
}

/** The name or address in the Host that was asked, where it is what a browser writes. */
export function nameAsked(request: IncomingMessage): string | undefined {
  const header = hostOf(request);
  const text = `http://${header}`;
  if (header === undefined || !/^[A-Za-z0-9.\-_[\]:]{1,300}$/.test(header) || !URL.canParse(text))
    return undefined;
  return new URL(text).hostname;
}
