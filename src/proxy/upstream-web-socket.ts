import type { ClientRequest, IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocket } from "ws";
import { formatHostPort } from "#base/config.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Upstream } from "#wire/grant.ts";
import { ignoreError } from "./ignore-error.ts";
import { asCertificateRefused, tlsError } from "./upstream-tls.ts";
import { WebSocketStream } from "./web-socket-stream.ts";

type WebSocketAddress = Extract<Upstream["address"], { kind: "websocket" }>;

const limits = {
  /** A message, which is held as a whole. Servers send what they have: QEMU 8 kB at most, websockify 64 kB. */
  messageBytes: 4 * 1024 * 1024,
  /** Frames of one message, and pieces of one frame: each costs some hundred bytes beside its own. */
  fragments: 1024,
  pieces: 16 * 1024,
  /** Of what is said below a refusal, in which its reason is looked for. */
  refusalBytes: 4 * 1024,
} as const;

/** By which servers tell those who speak bytes from those who speak base64; platforms of their own have others. */
const SUBPROTOCOL = "binary";

/**
 * Opens a WebSocket over a connection to a hypervisor (RFC 6455 §4.1). The stream that comes out is paused; it takes the
 * connection with it. Redirects are not followed: they would lead past `upstream.allow`. Throws a GatewayError.
 */
export async function overWebSocket(
  socket: Socket,
  { address, signal }: { readonly address: WebSocketAddress; readonly signal: AbortSignal },
): Promise<WebSocketStream> {
  const { path, subprotocol = SUBPROTOCOL, headers = {} } = address;
  // TLS, where there is any, is around the connection already.
  const webSocket = new WebSocket(`ws://${formatHostPort(address)}${path}`, subprotocol, {
    headers,
    createConnection: () => socket,
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: limits.messageBytes,
    maxFragments: limits.fragments,
    maxBufferedChunks: limits.pieces,
    finishRequest: resumeWhenListening,
  });
  const stream = new WebSocketStream(webSocket);
  stream.on("error", ignoreError).pause();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  // Where it was given up before it began, nobody waits for it any more.
  promise.catch(ignoreError);
  const abort = () => reject(signal.reason);
  webSocket.once("open", resolve);
  webSocket.on("error", (cause) => reject(openingError(cause, address)));
  webSocket.once("unexpected-response", (request: ClientRequest, response: IncomingMessage) => {
    void refusal(response, address).then((error) => {
      reject(error);
      request.destroy();
    });
  });
  signal.addEventListener("abort", abort, { once: true });
  try {
    signal.throwIfAborted();
    await promise;
    return stream;
  } catch (error) {
    stream.destroy();
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** The socket is paused until somebody listens to it. */
function resumeWhenListening(request: ClientRequest): void {
  request.once("socket", (socket: Duplex) => process.nextTick(() => socket.resume()));
  request.end();
}

/** Whoever hangs up before it has answered has refused, or has not liked the certificate that it was shown. */
function openingError(cause: Error & { readonly code?: string }, address: WebSocketAddress): unknown {
  const isHungUp = cause.code === "ECONNRESET" || cause.code === "EPIPE";
  if (!isHungUp) return tlsError(cause) ?? refused(cause.message, cause);
  const detail = "it hung up before it had answered";
  // With a ticket it is not asked for a certificate.
  if (address.isTicket === true) return new GatewayError("upstream_ticket_refused", { cause, detail });
  if (address.isSecure) return asCertificateRefused(new GatewayError("upstream_lost", { cause }));
  return refused(detail, cause);
}

/** What is said beside the status is looked through, and not quoted: it has names in it. */
async function refusal(response: IncomingMessage, address: WebSocketAddress): Promise<GatewayError> {
  const { statusCode: status, statusMessage = "" } = response;
  const { isTicket = false, refusals = [] } = address;
  const detail = `it answered with HTTP status ${status}`;
  const said = refusals.length === 0 ? "" : `${statusMessage}\n${await beginningOf(response)}`;
  const known = refusals.find(({ words }) => said.includes(words));
  if (known !== undefined) return new GatewayError(known.code, { detail });
  if (!isTicket) return refused(detail);
  switch (status) {
    case 401:
    case 403:
    case 404:
      return new GatewayError("upstream_ticket_refused", { detail });
    case 503:
      return new GatewayError("upstream_consoles_exhausted", { detail });
    default:
      return refused(detail);
  }
}

/** As far as it comes: whoever waits for it gives up in time. */
async function beginningOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      length += chunk.length;
      if (length >= limits.refusalBytes) break;
    }
  } catch {
    // It hung up within its answer, of which the status is known.
  }
  return Buffer.concat(chunks).subarray(0, limits.refusalBytes).toString("latin1");
}

function refused(detail: string, cause?: unknown): GatewayError {
  return new GatewayError("upstream_websocket_refused", { detail, cause });
}
