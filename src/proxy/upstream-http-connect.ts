import type { Duplex } from "node:stream";
import { formatHostPort } from "#base/config.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { SequenceDriver } from "#base/sequence.ts";
import { type ConnectAnswer, connectAnswer } from "#protocols/connect-answer.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Upstream } from "#wire/grant.ts";
import { ignoreError } from "./ignore-error.ts";

type HttpConnectAddress = Extract<Upstream["address"], { kind: "http-connect" }>;

/**
 * Asks a hypervisor for a console by CONNECT, over a connection on which it is known who is there. The stream is the same, paused at the
 * console's first byte. Throws a GatewayError that says what was answered, or the signal's reason.
 */
export async function overHttpConnect<Connection extends Duplex>(
  socket: Connection,
  { address, signal }: { readonly address: HttpConnectAddress; readonly signal: AbortSignal },
): Promise<Connection> {
  socket.write(request(address));
  const { status, reason } = await answered(socket, signal);
  if (status === 200) return socket;
  socket.on("error", ignoreError).destroy();
  throw refusal(status, reason);
}

/** In one piece. HTTP/1.0, as XAPI's own client has it: nothing of 1.1 is meant by it. */
function request(address: HttpConnectAddress): string {
  const headers = Object.entries({ Host: formatHostPort(address), ...address.headers });
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return `CONNECT ${address.path} HTTP/1.0\r\n${lines.join("")}\r\n`;
}

/** Reads the head, and puts back what was read behind it. */
async function answered(socket: Duplex, signal: AbortSignal): Promise<ConnectAnswer> {
  const head = new SequenceDriver(connectAnswer());
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onData = (chunk: Buffer) => {
    try {
      head.push(chunk);
      if (!head.done) return;
      // Before anything else is read.
      socket.pause();
      resolve();
    } catch (error) {
      reject(error instanceof ProtocolError ? wrongAnswer(error) : error);
    }
  };
  const onError = (cause: unknown) => reject(new GatewayError("upstream_lost", { cause }));
  const onEnd = () => reject(new GatewayError("upstream_closed"));
  const onAbort = () => reject(signal.reason);
  socket.on("data", onData).on("error", onError).on("end", onEnd).on("close", onEnd);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    signal.throwIfAborted();
    if (socket.destroyed) throw new GatewayError("upstream_lost", { cause: socket.errored });
    socket.resume();
    await promise;
  } catch (error) {
    socket.on("error", ignoreError).destroy();
    throw error;
  } finally {
    socket.off("data", onData).off("error", onError).off("end", onEnd).off("close", onEnd);
    signal.removeEventListener("abort", onAbort);
  }
  const { rest } = head;
  if (rest.length > 0) socket.unshift(Buffer.from(rest));
  return head.result;
}

function wrongAnswer(cause: ProtocolError): GatewayError {
  return new GatewayError("upstream_refused", { cause, detail: cause.message });
}

const ANSWERS: Readonly<Record<number, { readonly code: ErrorCode; readonly detail: string }>> = {
  401: { code: "upstream_refused", detail: "it does not take the session that was opened for this console" },
  403: {
    code: "upstream_refused",
    detail: "the account by which it is asked may not open this console",
  },
  404: { code: "upstream_refused", detail: "the machine's VNC server is not there" },
  500: {
    code: "upstream_refused",
    detail: "the machine does not run there any more: it was stopped, or moved to another host, just now",
  },
};

/** Of a session that could not be opened, in words. What else it says is its own affair, and not quoted: it has names of people in it. */
function refusal(status: number, reason: string): GatewayError {
  if (status === 503 && /limit/i.test(reason)) return new GatewayError("upstream_consoles_exhausted");
  const { code, detail } = ANSWERS[status] ?? {
    code: "upstream_refused" as const,
    detail: "it did not open the console",
  };
  return new GatewayError(code, { detail: `${detail} (HTTP status ${status})` });
}
